"""Ten thousand events and messages, and processes that are killed while they are handled."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lambdalab.packaging import deployment_package
from tests.conftest import TRUST, Clients
from tests.sandbox.conftest import Place

_ACCOUNT = "123456789012"
_KEY = "AKIALAMBDALABSANDBOX"
_PATIENCE_S = 60.0
WRITES = """
import os
def handler(event, context):
    # What a line says was handled; one write of so little is never half there.
    records = event.get("Records")
    names = [record["body"] for record in records] if records else [event["id"]]
    with open(os.environ["DONE"], "ab", buffering=0) as file:
        file.write("".join(f"{name}\\n" for name in names).encode())
"""


def arn(name: str) -> str:
    return f"arn:aws:sqs:us-east-1:{_ACCOUNT}:{name}"


@dataclass
class Storm:
    """A sandbox that is killed and started again, and what was accepted from it."""

    place: Place
    clients: Clients
    done: Path
    seed: int
    accepted: set[str] = field(default_factory=set)
    killed_servers: int = 0
    killed_handlers: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.box = self.place.start()
        self._senders: list[threading.Thread] = []
        self._up = threading.Event()
        self._up.set()
        self.failed: list[Exception] = []

    def client(self, service: str) -> Any:
        return self.clients(self.box, service)

    def prepare(self) -> None:
        """Make the functions, the queue, the mapping, and a queue for events given up."""
        self.box.settings(time_scale=120)
        iam, lam, sqs = self.client("iam"), self.client("lambda"), self.client("sqs")
        role = iam.create_role(RoleName="lambda", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        for policy in ("AmazonSQSFullAccess", "AWSLambda_FullAccess"):
            iam.attach_role_policy(RoleName="lambda", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "480"})
        sqs.create_queue(QueueName="given-up")
        for name in ("events", "messages"):
            lam.create_function(
                FunctionName=name,
                Runtime="python3.11",
                Role=role,
                Handler="app.handler",
                Code={"ZipFile": deployment_package({"app.py": WRITES})},
                Environment={"Variables": {"DONE": str(self.done)}},
                Timeout=10,
            )
            lam.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=4)
        lam.put_function_event_invoke_config(
            FunctionName="events",
            DestinationConfig={"OnFailure": {"Destination": arn("given-up")}},
        )
        lam.create_event_source_mapping(
            FunctionName="messages",
            EventSourceArn=arn("work"),
            BatchSize=10,
            ScalingConfig={"MaximumConcurrency": 4},
        )

    # -- sending ----------------------------------------------------------------------------

    def send(self, events: int, messages: int, threads: int = 2) -> None:
        """Begin to send; what the sandbox accepted is in ``accepted``."""
        for number in range(threads):
            for work, count in ((self._events, events), (self._messages, messages)):
                names = [f"{work.__name__}-{one}" for one in range(number, count, threads)]
                thread = threading.Thread(target=self._guarded, args=(work, names))
                thread.start()
                self._senders.append(thread)

    def _guarded(self, work: Callable[[list[str]], None], names: list[str]) -> None:
        try:
            work(names)
        except Exception as error:  # noqa: BLE001 - join() tells of it
            self.failed.append(error)
        finally:
            self._hang_up()

    def _events(self, names: list[str]) -> None:
        headers = {"X-Amz-Invocation-Type": "Event"} | _signed("lambda")
        for name in names:
            body = json.dumps({"id": name})
            self._post("/2015-03-31/functions/events/invocations", body, headers, 202)
            self.accepted.add(name)

    def _messages(self, names: list[str]) -> None:
        headers = _signed("sqs") | {
            "X-Amz-Target": "AmazonSQS.SendMessageBatch",
            "Content-Type": "application/x-amz-json-1.0",
        }
        url = f"{self.box.url}/{_ACCOUNT}/work"
        for begin in range(0, len(names), 10):
            batch = names[begin : begin + 10]
            entries = [{"Id": str(at), "MessageBody": name} for at, name in enumerate(batch)]
            body = json.dumps({"QueueUrl": url, "Entries": entries})
            answer = json.loads(self._post("/", body, headers, 200))
            assert len(answer["Successful"]) == len(batch), answer
            self.accepted.update(batch)

    def _post(self, path: str, body: str, headers: dict[str, str], wanted: int) -> bytes:
        """Send until it is accepted: what was not answered was not accepted."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            self._up.wait(_PATIENCE_S)
            try:
                connection = self._connection()
                connection.request("POST", path, body, headers)
                response = connection.getresponse()
                answer = response.read()
            except (OSError, http.client.HTTPException):
                self._hang_up()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
                continue
            assert response.status == wanted, answer
            return answer

    _local = threading.local()

    def _connection(self) -> http.client.HTTPConnection:
        made: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if made is not None and made.port != self.box.port:
            self._hang_up()
            made = None
        if made is None:
            made = http.client.HTTPConnection("127.0.0.1", self.box.port, timeout=30)
            self._local.connection = made
        return made

    def _hang_up(self) -> None:
        made = getattr(self._local, "connection", None)
        if made is not None:
            made.close()
        self._local.connection = None

    # -- killing ----------------------------------------------------------------------------

    def kill_handler(self) -> None:
        """Kill a handler process, whatever it does."""
        found = [one["pid"] for one in self.box.status()["environments"] if one["pid"]]
        if found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.random.choice(found), signal.SIGKILL)
            self.killed_handlers += 1

    def kill_server(self) -> None:
        """Kill the sandbox's server, and start the workspace's sandbox again."""
        self._up.clear()
        os.kill(self.box.pid, signal.SIGKILL)
        while self.box.alive:
            time.sleep(0.005)
        self.killed_servers += 1
        self.box = self.place.start(quiet=True)
        self._up.set()

    @property
    def sending(self) -> bool:
        return any(thread.is_alive() for thread in self._senders)

    # -- looking ----------------------------------------------------------------------------

    def handled(self) -> Counter[str]:
        """Count how often each was handled."""
        text = self.done.read_text(encoding="utf-8") if self.done.exists() else ""
        return Counter(text.splitlines())

    def given_up(self) -> set[str]:
        """Return the events that the queue gave up: they are in its destination."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName="given-up")["QueueUrl"]
        found: set[str] = set()
        while messages := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=43_200
        ).get("Messages"):
            bodies = [json.loads(message["Body"]) for message in messages]
            found.update(body["requestPayload"]["id"] for body in bodies)
        return found

    def wait(self) -> tuple[Counter[str], set[str]]:
        """Wait until all that was accepted was handled or given up; return both."""
        deadline = time.monotonic() + _PATIENCE_S
        given_up: set[str] = set()
        while True:
            handled = self.handled()
            missing = self.accepted - handled.keys() - given_up
            if not missing or time.monotonic() > deadline:
                return handled, given_up
            if len(missing) < 20:
                given_up |= self.given_up()
            time.sleep(0.1)

    def join(self) -> None:
        for thread in self._senders:
            thread.join(_PATIENCE_S)
        assert not self.sending and not self.failed, self.failed


def _signed(service: str) -> dict[str, str]:
    scope = f"Credential={_KEY}/20260101/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"}


@contextlib.contextmanager
def storm(place: Place, clients: Clients, seed: int) -> Iterator[Storm]:
    """Give a storm whose handlers write where every environment can: not in a private /tmp."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="lambdalab-storm-") as folder:
        made = Storm(place, clients, Path(folder) / "done", seed)
        made.prepare()
        yield made
