"""Provisioned concurrency: the API's answers, and environments that are really there ahead."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from lambdalab.sandbox import Sandbox
from lambdalab.sandbox.events import (
    EnvironmentCreated,
    EnvironmentTerminated,
    Event,
    InitFinished,
    InvokeFinished,
    InvokeStarted,
    Throttled,
)
from lambdalab.sim import Account, Function, Scenario
from lambdalab.sim.arrivals import Block
from lambdalab.sim.outcomes import PROVISIONED, THROTTLED
from lambdalab.sim.pools import Pools
from lambdalab.sim.topology import Topology
from tests.conftest import Functions
from tests.sandbox.conftest import until

KIND = """
import os, time
BORN = time.time()
def handler(event, context):
    time.sleep((event or {}).get("sleep", 0))
    if (event or {}).get("die"):
        os._exit(1)
    return [os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], BORN, os.getpid()]
"""


def refused(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


class Provisioning:
    """Short ways to provision ``f``."""

    def __init__(self, box: Sandbox, functions: Functions) -> None:
        self.box = box
        self.functions = functions
        self.client = functions.client

    def version(self, code: str = KIND, **options: Any) -> str:
        """Create ``f`` and publish it."""
        self.functions.create("f", code, **options)
        return str(self.client.publish_version(FunctionName="f")["Version"])

    def put(self, qualifier: str, count: int) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.put_provisioned_concurrency_config(
            FunctionName="f", Qualifier=qualifier, ProvisionedConcurrentExecutions=count
        )
        return answer

    def get(self, qualifier: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get_provisioned_concurrency_config(
            FunctionName="f", Qualifier=qualifier
        )
        return answer

    def ready(self, qualifier: str, status: str = "READY") -> dict[str, Any]:
        assert until(lambda: self.get(qualifier)["Status"] == status, 30), self.get(qualifier)
        return self.get(qualifier)

    def provision(self, qualifier: str, count: int) -> None:
        self.put(qualifier, count)
        self.ready(qualifier)

    def frozen(self) -> list[str]:
        """Return the versions of the environments that wait."""
        return sorted(
            one["version"] for one in self.box.status()["environments"] if one["state"] == "frozen"
        )

    def events(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.box.events(after=0) if isinstance(event, kind)]

    def together(self, qualifier: str, count: int, sleep: float = 2.0) -> list[str]:
        """Invoke so many at once; return the answer's kind, or the reason of a refusal."""
        said: list[str] = []

        def call() -> None:
            try:
                answer = self.client.invoke(
                    FunctionName="f",
                    Qualifier=qualifier,
                    Payload=json.dumps({"sleep": sleep}).encode(),
                )
                said.append(json.loads(answer["Payload"].read())[0])
            except ClientError as error:
                said.append(error.response["Reason"])

        threads = [threading.Thread(target=call) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(said)


@pytest.fixture
def lab(sandbox: Sandbox, functions: Functions) -> Provisioning:
    return Provisioning(sandbox, functions)


def test_environments_are_initialised_ahead(lab: Provisioning) -> None:
    version = lab.version()
    put = lab.put(version, 2)
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert put["Status"] == "IN_PROGRESS"
    assert put["RequestedProvisionedConcurrentExecutions"] == 2
    assert put["AllocatedProvisionedConcurrentExecutions"] < 2
    ready = lab.ready(version)
    assert ready["AllocatedProvisionedConcurrentExecutions"] == 2
    assert ready["AvailableProvisionedConcurrentExecutions"] == 2
    assert lab.frozen() == [version, version]
    assert not lab.events(InvokeStarted)
    created = lab.events(EnvironmentCreated)
    assert [one.initialization_type for one in created] == ["provisioned-concurrency"] * 2

    answer = lab.client.invoke(FunctionName="f", Qualifier=version, LogType="Tail")
    kind, born, _ = json.loads(answer["Payload"].read())
    assert kind == "provisioned-concurrency"
    assert born < lab.events(InvokeStarted)[0].time
    started, finished = lab.events(InvokeStarted)[0], lab.events(InvokeFinished)[0]
    assert (started.pool, started.cold, finished.init_ms) == ("provisioned", False, None)

    # $LATEST has none of it.
    assert lab.functions.call("f")[0] == "on-demand"
    assert lab.events(InvokeStarted)[1].pool == "unreserved"
    assert lab.events(InvokeStarted)[1].cold


def test_listed_changed_deleted(lab: Provisioning) -> None:
    version = lab.version()
    lab.client.create_alias(FunctionName="f", Name="live", FunctionVersion=version)
    lab.provision("live", 2)
    listed = lab.client.list_provisioned_concurrency_configs(FunctionName="f")
    (config,) = listed["ProvisionedConcurrencyConfigs"]
    assert config["FunctionArn"].endswith(":function:f:live")
    assert (config["Status"], config["RequestedProvisionedConcurrentExecutions"]) == ("READY", 2)
    unreserved = lab.client.get_account_settings()["AccountLimit"]
    assert unreserved["UnreservedConcurrentExecutions"] == 998
    lab.put("live", 1)
    assert until(lambda: lab.frozen() == [version])
    lab.client.delete_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    assert until(lambda: not lab.box.status()["environments"])
    code, words = refused(lambda: lab.get("live"))
    assert code == "ProvisionedConcurrencyConfigNotFoundException"
    assert words == "No Provisioned Concurrency Config found for this function"
    listed = lab.client.list_provisioned_concurrency_configs(FunctionName="f")
    assert listed["ProvisionedConcurrencyConfigs"] == []


def test_refusals(lab: Provisioning) -> None:
    first = lab.version()
    client = lab.client
    client.update_function_configuration(FunctionName="f", MemorySize=256)
    second = client.publish_version(FunctionName="f")["Version"]
    client.create_alias(FunctionName="f", Name="latest", FunctionVersion="$LATEST")
    client.create_alias(
        FunctionName="f",
        Name="split",
        FunctionVersion=second,
        RoutingConfig={"AdditionalVersionWeights": {first: 0.1}},
    )
    unpublished = "Provisioned Concurrency Configs cannot be applied to unpublished function"
    assert unpublished in refused(lambda: lab.put("$LATEST", 1))[1]
    assert unpublished in refused(lambda: lab.put("latest", 1))[1]
    assert refused(lambda: lab.put("split", 1)) == (
        "InvalidParameterValueException",
        "Alias with weights can not be used with Provisioned Concurrency",
    )
    assert refused(lambda: lab.put(first, 901))[1].endswith("unreserved concurrency [900].")
    assert refused(lambda: lab.put("99", 1))[0] == "ResourceNotFoundException"
    client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=3)
    lab.put(first, 2)
    assert "reservedConcurrentExecution" in refused(lambda: lab.put(second, 2))[1]
    lower = refused(
        lambda: client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    )
    assert "total provisioned concurrency [2]" in lower[1]
    client.create_alias(FunctionName="f", Name="live", FunctionVersion=first)
    assert refused(lambda: lab.put("live", 1))[0] == "ResourceConflictException"
    lab.client.delete_provisioned_concurrency_config(FunctionName="f", Qualifier=first)
    lab.put("live", 1)
    split = refused(
        lambda: client.update_alias(
            FunctionName="f",
            Name="live",
            RoutingConfig={"AdditionalVersionWeights": {second: 0.5}},
        )
    )
    assert split[1] == "Alias with weights can not be used with Provisioned Concurrency"


def test_none_at_all_is_refused(
    lab: Provisioning, clients: Callable[..., Any], sandbox: Sandbox
) -> None:
    version = lab.version()
    unchecked = clients("lambda", parameter_validation=False)
    code, words = refused(
        lambda: unchecked.put_provisioned_concurrency_config(
            FunctionName="f", Qualifier=version, ProvisionedConcurrentExecutions=0
        )
    )
    assert code == "ValidationException"
    assert "'provisionedConcurrentExecutions'" in words


def test_beyond_it_the_reserved_pool_serves(lab: Provisioning) -> None:
    version = lab.version()
    lab.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=2)
    lab.provision(version, 1)
    assert lab.together(version, 3) == [
        "ReservedFunctionConcurrentInvocationLimitExceeded",
        "on-demand",
        "provisioned-concurrency",
    ]
    assert sorted(one.pool for one in lab.events(InvokeStarted)) == ["provisioned", "reserved"]


def test_beyond_it_the_unreserved_pool_serves(lab: Provisioning) -> None:
    version = lab.version()
    lab.provision(version, 1)
    lab.box.settings(account_concurrency=2)
    assert lab.together(version, 3) == [
        "ConcurrentInvocationLimitExceeded",
        "on-demand",
        "provisioned-concurrency",
    ]
    assert sorted(one.pool for one in lab.events(InvokeStarted)) == ["provisioned", "unreserved"]
    assert len(lab.events(Throttled)) == 1


def test_idle_lifetime_does_not_end_them(lab: Provisioning) -> None:
    version = lab.version()
    lab.box.settings(idle_lifetime=0.3)
    lab.provision(version, 1)
    lab.functions.call("f")
    assert until(lambda: lab.frozen() == [version])  # the on-demand one of $LATEST is gone
    assert lab.box.shutdown_idle() == 0
    assert lab.frozen() == [version]


@pytest.mark.parametrize("how", ["exit", "killed"])
def test_one_that_crashed_is_replaced(lab: Provisioning, how: str) -> None:
    version = lab.version()
    lab.provision(version, 1)
    (first,) = lab.box.status()["environments"]
    if how == "exit":
        answer = lab.client.invoke(FunctionName="f", Qualifier=version, Payload=b'{"die": true}')
        assert answer["FunctionError"] == "Unhandled"
    else:
        os.kill(first["pid"], signal.SIGKILL)

    def replaced() -> bool:
        return lab.get(version)["Status"] == "READY" and len(lab.events(EnvironmentCreated)) == 2

    assert until(replaced, 20)
    kind, _, _ = lab.functions.call("f", {}, Qualifier=version)
    assert kind == "provisioned-concurrency"
    assert not lab.events(InvokeStarted)[-1].cold
    assert lab.events(InvokeStarted)[-1].environment != first["id"]


def test_moved_with_the_alias(lab: Provisioning) -> None:
    first = lab.version()
    lab.client.create_alias(FunctionName="f", Name="live", FunctionVersion=first)
    lab.provision("live", 1)
    lab.client.update_function_configuration(FunctionName="f", MemorySize=256)
    second = lab.client.publish_version(FunctionName="f")["Version"]
    lab.client.update_alias(FunctionName="f", Name="live", FunctionVersion=second)
    lab.ready("live")
    assert until(lambda: lab.frozen() == [second])
    assert lab.functions.call("f", {}, Qualifier="live")[0] == "provisioned-concurrency"


def test_gone_with_the_function(lab: Provisioning) -> None:
    version = lab.version()
    lab.provision(version, 1)
    lab.client.delete_function(FunctionName="f")
    assert until(lambda: not lab.box.status()["environments"])
    assert len(lab.events(EnvironmentTerminated)) == 1


@pytest.mark.parametrize("what", ["version", "alias"])
def test_gone_with_the_version_or_alias(lab: Provisioning, what: str) -> None:
    version = lab.version()
    if what == "version":
        lab.provision(version, 1)
        lab.client.delete_function(FunctionName="f", Qualifier=version)
    else:
        lab.client.create_alias(FunctionName="f", Name="live", FunctionVersion=version)
        lab.provision("live", 1)
        lab.client.delete_alias(FunctionName="f", Name="live")
    assert until(lambda: not lab.box.status()["environments"])
    listed = lab.client.list_provisioned_concurrency_configs(FunctionName="f")
    assert listed["ProvisionedConcurrencyConfigs"] == []


def test_reset_ends_them_even_while_they_start(lab: Provisioning) -> None:
    version = lab.version("import time\ntime.sleep(60)\ndef handler(event, context): pass\n")
    lab.put(version, 1)
    assert until(lambda: lab.box.status()["environments"])
    lab.box.reset()
    assert until(lambda: not lab.box.status()["environments"])


def test_an_init_that_fails(lab: Provisioning) -> None:
    version = lab.version("raise ValueError('no')\n")
    lab.put(version, 2)
    failed = lab.ready(version, "FAILED")
    assert failed["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    assert failed["AllocatedProvisionedConcurrentExecutions"] == 0
    assert until(lambda: not lab.box.status()["environments"])


def test_init_may_take_longer_than_ten_seconds(lab: Provisioning) -> None:
    version = lab.version("import time\ntime.sleep(11)\ndef handler(event, context): return 1\n")
    lab.provision(version, 1)
    (finished,) = lab.events(InitFinished)
    assert (finished.status, finished.duration_ms > 10_500) == ("success", True)
    assert lab.functions.call("f", Qualifier=version) == 1


def test_saved_and_loaded(lab: Provisioning, tmp_path: Path) -> None:
    version = lab.version()
    lab.provision(version, 2)
    saved = lab.box.save(tmp_path / "state.lab")
    lab.box.reset()
    lab.box.load(saved)
    assert lab.get(version)["RequestedProvisionedConcurrentExecutions"] == 2
    lab.ready(version)
    assert lab.functions.call("f", {}, Qualifier=version)[0] == "provisioned-concurrency"
    assert (
        lab.client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 998
    )


@pytest.mark.parametrize(
    ("reserved", "account"), [(2, 102), (None, 102)], ids=["reserved", "unreserved"]
)
def test_the_simulator_says_the_same(lab: Provisioning, reserved: int | None, account: int) -> None:
    arrivals = [0.0, 0.7, 1.4, 4.2, 4.9]
    service = 2.8
    version = lab.version(Timeout=30)
    if reserved is None:
        # The rest of the account is taken, so that two are left: one of them provisioned.
        lab.functions.create("other", KIND)
        lab.provision(version, 1)
        lab.client.put_function_concurrency(
            FunctionName="other", ReservedConcurrentExecutions=account - 100
        )
        lab.box.settings(account_concurrency=account - 98)
        limit, taken = account - 98, account - 100
    else:
        lab.box.settings(account_concurrency=account)
        lab.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=reserved)
        lab.provision(version, 1)
        limit, taken = account, 0
    layout = Topology(
        Scenario(
            [
                Function("f", reserved=reserved, provisioned={version: 1}),
                *([Function("other", reserved=taken)] if taken else []),
            ],
            Account(limit),
        )
    ).layout
    pools = Pools(layout)
    block = Block(
        times=np.array(arrivals),
        functions=np.zeros(len(arrivals), dtype=np.int64),
        services=np.full(len(arrivals), service),
        inits=np.full(len(arrivals), 0.1),
        draws=np.zeros(len(arrivals)),
    )
    wanted = [
        {PROVISIONED: "provisioned", THROTTLED: "throttled"}.get(
            said, "cold" if said == float("inf") else "warm"
        )
        for said in pools.run(block, np.zeros(len(arrivals), dtype=np.int64)).tolist()
    ]
    assert wanted == ["provisioned", "cold", "throttled", "provisioned", "warm"]

    begun = time.monotonic() + 0.3
    answers: list[str] = [""] * len(arrivals)

    def call(place: int, at: float) -> None:
        time.sleep(max(0.0, begun + at - time.monotonic()))
        try:
            answer = lab.client.invoke(
                FunctionName="f",
                Qualifier=version,
                Payload=json.dumps({"sleep": service, "id": place}).encode(),
            )
            answers[place] = answer["ResponseMetadata"]["RequestId"]
        except ClientError:
            answers[place] = "throttled"

    threads = [threading.Thread(target=call, args=one) for one in enumerate(arrivals)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    served = {
        one.request_id: one.pool if one.pool == "provisioned" else ("cold" if one.cold else "warm")
        for one in lab.events(InvokeStarted)
    }
    assert [served.get(answer, answer) for answer in answers] == wanted
