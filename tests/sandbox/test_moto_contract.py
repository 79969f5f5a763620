"""What the sandbox takes for granted of moto, which promises none of it.

When moto is upgraded, this is the file that says what has to be looked at again.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Functions

_ANY = Callable[..., Any]
ROOT = Path(__file__).parents[2]

# moto is looked at in a process of its own: our classes would stay in its place here.
_PROBE = """
import json, os
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
from moto.awslambda import models, responses, urls
plain = {{name: getattr(models, name) for name in ("LambdaBackend", "LambdaFunction")}}
response = responses.LambdaResponse
from lambdalab.sandbox.lambda_service import backend, responses as ours
{body}
"""


def _probe(body: str) -> Any:
    ended = subprocess.run(
        [sys.executable, "-c", _PROBE.format(body=body)],
        cwd=ROOT,
        env={**os.environ, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_moto_is_pinned_to_what_was_read() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (pin,) = [line for line in project["dependencies"] if line.startswith("moto")]
    assert re.fullmatch(r"moto\[server\]>=5\.2\.\d+,<5\.3", pin)
    assert importlib.metadata.version("moto").startswith("5.2.")


def test_every_method_we_replace_exists_and_takes_what_we_take() -> None:
    """An override of a method that moto no longer has would never be called."""
    found = _probe(
        """
import inspect
pairs = [
    (plain["LambdaBackend"], backend.LabBackend),
    (plain["LambdaFunction"], backend.LabFunction),
    (response, ours.LabResponse),
]
# moto knows nothing of provisioned concurrency.
added = {f"{verb}_provisioned_concurrency_config" for verb in ("put", "get", "delete")}
added.add("list_provisioned_concurrency_configs")
own = {"LabBackend": {"forget_event_source_mapping", "digests", "_check_route", "_latest",
                      "_resource"} | added,
       "LabFunction": {"__new__", "unqualified_arn", "log_group", "state_digest", "check_size",
                       "take", "touch", "check_revision", "update_configuration",
                       "notice_runtime", "logs_backend", "provisioned", "permits",
                       "event_invoke", "recursive_loop"},
       "LabResponse": {"_name", "_qualifier", "json_body", "get_account_settings"} | added}
wrong = []
for theirs, mine in pairs:
    for name, thing in vars(mine).items():
        if name in own[mine.__name__] or (name.startswith("__") and name != "__init__"):
            continue
        if not hasattr(theirs, name):
            wrong.append(f"{theirs.__name__} has no {name}")
print(json.dumps(wrong))
"""
    )
    assert found == []


def test_attributes_that_moto_sets_and_we_read_are_there() -> None:
    missing = _probe(
        """
import inspect
source = {name: inspect.getsource(one) for name, one in plain.items()}
source["storage"] = inspect.getsource(models.LambdaStorage)
source["layers"] = inspect.getsource(models.LayerStorage)
source["alias"] = inspect.getsource(models.LambdaAlias)
source["version"] = inspect.getsource(models.LayerVersion)
wanted = {
    "LambdaBackend": ["_lambdas", "_layers", "layers_versions_by_arn"],
    "LambdaFunction": ["run_time", "handler", "memory_size", "timeout", "ephemeral_storage",
                       "environment_vars", "code_bytes", "code_sha_256", "code_digest",
                       "reserved_concurrency", "last_modified", "function_arn", "layers"],
    "storage": ["_functions", "_aliases", "_arns", "latest", "versions"],
    "layers": ["_layers"],
    "alias": ["function_version", "routing_config", "revision_id"],
    "version": ["code_bytes", "code_digest"],
}
print(json.dumps([f"{part}.{name}" for part, names in wanted.items() for name in names
                  if name not in source[part]]))
"""
    )
    assert missing == []


def test_our_classes_take_the_place_of_motos() -> None:
    state = _probe(
        """
backend.install(); ours.install()
made = models.lambda_backends["123456789012"]["us-east-1"]
print(json.dumps({
    "backend": type(made) is backend.LabBackend,
    "pickled as": [type(made).__module__, type(made).__qualname__],
    "routes": [path for path, view in urls.url_paths.items()
               if view is not ours.LabResponse.dispatch
               and getattr(view, "__self__", None) is not ours.LabResponse],
}))
"""
    )
    assert state["backend"] is True
    assert state["pickled as"] == ["moto.awslambda.models", "LambdaBackend"]
    assert state["routes"] == []


def test_account_that_is_told_is_believed_and_only_one_partition_is_filled() -> None:
    partitions = _probe(
        """
import io
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.iam.models import iam_backends
application = DomainDispatcherApplication(create_backend_app)
key = "AWS4-HMAC-SHA256 Credential=AKIALAMBDALABSANDBOX/20260101/us-east-1/sqs/aws4_request,"
environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "SERVER_NAME": "127.0.0.1",
           "SERVER_PORT": "5000", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(b"{}"),
           "wsgi.errors": io.StringIO(), "CONTENT_LENGTH": "2", "HTTP_HOST": "127.0.0.1:5000",
           "CONTENT_TYPE": "application/x-amz-json-1.0",
           "HTTP_X_AMZ_TARGET": "AmazonSQS.ListQueues",
           "HTTP_AUTHORIZATION": key, "HTTP_X_MOTO_ACCOUNT_ID": "111122223333"}
status = []
b"".join(application(environ, lambda s, h, e=None: status.append(s)))
from moto.sqs.models import sqs_backends
print(json.dumps([status, "111122223333" in sqs_backends,
                  {account: list(parts) for account, parts in iam_backends.items()}]))
"""
    )
    status, there, filled = partitions
    assert status == ["200 OK"] and there
    assert filled.pop("111122223333") == ["aws"]
    assert all(names in ([], ["aws"]) for names in filled.values())


def test_reset_of_all_backends_and_what_moto_notes_of_objects() -> None:
    facts = _probe(
        """
from moto.core.base_backend import BackendDict
from moto.core.model_instances import model_data, reset_model_data
from moto.sqs.models import sqs_backends, Queue
sqs_backends["123456789012"]["us-east-1"].create_queue("q")
noted = len(Queue.instances_tracked)
known = any(one is sqs_backends for one in BackendDict._instances)
BackendDict.reset(); reset_model_data()
left = len(sqs_backends["123456789012"]["us-east-1"].queues)
tracked = hasattr(model_data["awslambda"]["LambdaFunction"], "instances_tracked")
print(json.dumps([known, noted, left, len(Queue.instances_tracked), tracked]))
"""
    )
    assert facts == [True, 1, 0, 0, True]


def test_front_inherits_the_request_handler_it_was_written_for() -> None:
    source = _probe(
        """
import inspect
from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer
names = ["make_environ", "handle", "handle_one_request"]
print(json.dumps([all(hasattr(MotoRequestHandler, name) for name in names),
                  "fd" in inspect.signature(ThreadedWSGIServer.__init__).parameters]))
"""
    )
    assert source == [True, True]


# -- and it is really called --------------------------------------------------------------------


def test_lambda_of_the_running_server_is_ours(functions: Functions) -> None:
    """Each of these answers comes from code of ours; moto's own differs."""
    functions.create(LoggingConfig={"LogFormat": "JSON"})
    client = functions.client
    assert "LoggingConfig" in client.get_function_configuration(FunctionName="f")
    assert "AccountLimit" in client.get_account_settings()
    assert client.publish_version(FunctionName="f")["Version"] == "1"
    assert client.publish_version(FunctionName="f")["Version"] == "1", "nothing changed since"
    assert functions.call(event=5) == 5


@pytest.mark.parametrize("way", ["sns", "logs"])
def test_services_of_moto_come_to_our_invoke(
    clients: _ANY, functions: Functions, sandbox: Any, way: str
) -> None:
    """We stand where moto hands an event over, and go the way of every event."""
    functions.create(code="def handler(event, context):\n    print('got', sorted(event))\n")
    functions.client.add_permission(
        FunctionName="f",
        StatementId="push",
        Action="lambda:InvokeFunction",
        Principal=f"{way}.amazonaws.com",
    )
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    if way == "sns":
        topic = clients("sns").create_topic(Name="t")["TopicArn"]
        clients("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
        clients("sns").publish(TopicArn=topic, Message="m")
        wanted = "got ['Records']"
    else:
        logs = clients("logs")
        logs.create_log_group(logGroupName="g")
        logs.create_log_stream(logGroupName="g", logStreamName="s")
        logs.put_subscription_filter(
            logGroupName="g", filterName="n", filterPattern="", destinationArn=arn
        )
        logs.put_log_events(
            logGroupName="g",
            logStreamName="s",
            logEvents=[{"timestamp": int(sandbox.clock.now() * 1000), "message": "m"}],
        )
        wanted = "got ['awslogs']"
    for event in sandbox.follow():
        if event.type == "LogLine" and event.line == wanted:
            break
    sources = {event.source for event in sandbox.events() if event.type == "InvokeReceived"}
    assert sources == {way}


def test_moto_never_runs_docker() -> None:
    assert "docker" not in {
        name.split(".")[0]
        for name in _probe(
            "backend.install(); ours.install()\nimport sys\nprint(json.dumps(sorted(sys.modules)))"
        )
    }
