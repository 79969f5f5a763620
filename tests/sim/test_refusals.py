"""Parameters that make no sense: AWS's words, the place, and the reason in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lambdalab.sim import Scenario, ScenarioError

_FUNCTION = {"name": "api"}
_ALIAS = {"version": "1", "weights": {"2": 0.5}}


def _with(**keys: Any) -> dict[str, Any]:
    return {"function": [_FUNCTION | keys]}


_CASES: dict[str, tuple[Mapping[str, Any], str]] = {
    "reserved beyond the account": (
        _with(reserved=901),
        "function.api.reserved: Specified ReservedConcurrentExecutions for function decreases "
        "account's UnreservedConcurrentExecution below its minimum value of [100].",
    ),
    "reserved by two together": (
        {"function": [{"name": "a", "reserved": 500}, {"name": "b", "reserved": 401}]},
        "function.a.reserved: Specified ReservedConcurrentExecutions for function decreases",
    ),
    "reserved on top of what others have provisioned": (
        {
            "function": [
                {"name": "a", "reserved": 850},
                {"name": "b", "provisioned": {"live": 51}},
            ]
        },
        "function.a.reserved: Specified ReservedConcurrentExecutions for function decreases",
    ),
    "negative reserved": (
        _with(reserved=-1),
        "function.api.reserved: 1 validation error detected: Value '-1' at "
        "'reservedConcurrentExecutions' failed to satisfy constraint",
    ),
    "provisioned above reserved": (
        _with(reserved=5, provisioned={"live": 6}),
        "function.api.provisioned.live: Requested Provisioned Concurrency should not be greater "
        "than the reservedConcurrentExecution for function",
    ),
    "provisioned above reserved in sum": (
        _with(reserved=5, provisioned={"1": 3, "2": 3}, target="1"),
        "function.api.provisioned.2: Requested Provisioned Concurrency should not be greater",
    ),
    "provisioned on $LATEST": (
        _with(provisioned={"$LATEST": 1}),
        "function.api.provisioned.$LATEST: Provisioned Concurrency Configs cannot be applied to "
        "unpublished function versions.",
    ),
    "provisioned on an alias of $LATEST": (
        _with(provisioned={"dev": 1}, aliases={"dev": {"version": "$LATEST"}}),
        "function.api.provisioned.dev: Provisioned Concurrency Configs cannot be applied",
    ),
    "provisioned none": (
        _with(provisioned={"live": 0}),
        "function.api.provisioned.live: 1 validation error detected: Value '0' at "
        "'provisionedConcurrentExecutions' failed",
    ),
    "provisioned on a weighted alias": (
        _with(provisioned={"live": 1}, aliases={"live": _ALIAS}),
        "function.api.provisioned.live: Alias with weights can not be used with Provisioned",
    ),
    "provisioned beyond the account": (
        _with(provisioned={"live": 901}),
        "function.api.provisioned.live: Specified ConcurrentExecutions for function is greater "
        "than account's unreserved concurrency [900].",
    ),
    "an alias to itself": (
        _with(aliases={"live": {"version": "1", "weights": {"1": 0.5}}}, target="live"),
        "function.api.aliases.live: Invalid function version 1.",
    ),
    "an alias to three versions": (
        _with(aliases={"live": {"version": "1", "weights": {"2": 0.5, "3": 0.1}}}),
        "function.api.aliases.live: Number of items in AdditionalVersionWeights",
    ),
}
"""Refused by AWS."""

_OTHERS: dict[str, tuple[Mapping[str, Any], str]] = {
    "negative rate": (_with(arrivals={"rate": -1.0}), "function.api.arrivals.rate: -1.0"),
    "no rate": (_with(arrivals={"kind": "constant", "rate": 0}), "function.api.arrivals.rate: 0"),
    "a rate that is no number": (_with(arrivals={"rate": "5"}), "arrivals.rate: '5'"),
    "a rate without end": (_with(arrivals={"rate": float("inf")}), "arrivals.rate: inf"),
    "kind of arrivals": (_with(arrivals={"kind": "weekly"}), "arrivals.kind: 'weekly' is none of"),
    "ramp to nowhere": (
        _with(arrivals={"kind": "ramp", "rate": 1.0, "over": 5.0}),
        "function.api.arrivals.to: 0.0",
    ),
    "burst of nobody": (
        _with(arrivals={"kind": "burst", "every": 5.0}),
        "function.api.arrivals.size: 0",
    ),
    "a trace of nothing": (_with(arrivals={"kind": "trace"}), "function.api.arrivals.times: a"),
    "a trace that goes back": (
        _with(arrivals={"kind": "trace", "times": [1.0, 3.0, 2.0]}),
        "function.api.arrivals.times: 2 comes after 3",
    ),
    "a trace of words": (
        _with(arrivals={"kind": "trace", "times": ["noon"]}),
        "function.api.arrivals.times: must be a list of numbers",
    ),
    "a trace before the beginning": (
        _with(arrivals={"kind": "trace", "times": [-1.0]}),
        "function.api.arrivals.times: -1.0",
    ),
    "negative duration": (_with(duration={"value": -0.1}), "function.api.duration.value: -0.1"),
    "a mean of nothing": (
        _with(duration={"kind": "exponential"}),
        "function.api.duration.mean: 0.0 must be a number above 0",
    ),
    "empirical without values": (
        _with(duration={"kind": "empirical"}),
        "function.api.duration.values: empirical",
    ),
    "too little memory": (_with(memory=64), "memory: 64 must be a whole number from 128 to 10,240"),
    "memory in halves": (_with(memory=128.5), "function.api.memory: 128.5"),
    "too much /tmp": (_with(ephemeral=20_000), "function.api.ephemeral: 20000"),
    "idle for no time": (_with(idle_timeout=0), "function.api.idle_timeout: 0"),
    "another architecture": (_with(architecture="riscv"), "function.api.architecture: 'riscv'"),
    "half of a reservation": (_with(reserved=2.5), "function.api.reserved: 2.5"),
    "true is no number": (_with(reserved=True), "function.api.reserved: True"),
    "a weight that is no number": (
        _with(aliases={"live": {"version": "1", "weights": {"2": "much"}}}),
        "function.api.aliases.live.weights.2: 'much'",
    ),
    "a target that is nowhere": (_with(target="blue"), "function.api.target: there is no version"),
    "a version provisioned twice": (
        _with(provisioned={"1": 1, "live": 1}, aliases={"live": {"version": "1"}}, target="1"),
        "function.api.provisioned.live: version 1 has provisioned concurrency through 1 already",
    ),
    "no function": ({"function": []}, "function: a scenario needs at least one"),
    "no name": ({"function": [{"name": ""}]}, "function.name: a function needs a name"),
    "one name twice": (
        {"function": [{"name": "a"}, {"name": "a"}]},
        "function.name: two functions are named a",
    ),
    "nothing but warm-up": (
        _with() | {"requests": 10, "warmup": 10},
        "warmup: a warm-up of 10 out of 10 requests",
    ),
    "half a request": (_with() | {"requests": 1e6}, "requests: 1000000.0"),
    "a negative seed": (_with() | {"seed": -1}, "seed: -1"),
    "an account without concurrency": (_with() | {"account": {"limit": 0}}, "account.limit: 0"),
    "another routing": (_with() | {"routing": "random"}, "routing: 'random' is none of"),
    "an unknown key": (_with() | {"request": 5}, "request: nothing is called request here"),
    "an unknown key of a function": (
        _with(timeout=3),
        "function.api.timeout: nothing is called timeout",
    ),
    "an unknown key of arrivals": (
        _with(arrivals={"kind": "poisson", "lambda": 3}),
        "function.api.arrivals.lambda: nothing is called lambda",
    ),
    "an unknown key of an alias": (
        _with(aliases={"live": {"version": "1", "weight": 0.5}}),
        "function.api.aliases.live.weight: nothing is called weight",
    ),
    "an alias without a version": (
        _with(aliases={"live": {}}),
        "function.api.aliases.live.version: is missing",
    ),
    "an account that is a number": (_with() | {"account": 1000}, "account: 1000 must be a table"),
    "functions that are a table": ({"function": {"name": "a"}}, "must be one or more tables"),
    "no functions at all": ({}, "function: is missing"),
    "a function that is a word": ({"function": ["api"]}, "function: 'api' must be a table"),
    "provisioned that is a number": (_with(provisioned=3), "function.api.provisioned: 3 must be"),
}
"""Refused by sense alone."""


def _refusal(data: Mapping[str, Any]) -> str:
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_json(data).check()
    return str(caught.value)


@pytest.mark.parametrize("name", _CASES | _OTHERS)
def test_the_message_names_the_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", "en")
    data, words = (_CASES | _OTHERS)[name]
    assert words in _refusal(data)


@pytest.mark.parametrize("name", _CASES)
def test_after_the_words_of_aws_comes_the_reason(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", "en")
    english = _refusal(_CASES[name][0]).split("\n")
    assert english[-1].startswith("Reason: ")
    monkeypatch.setenv("LAMBDALAB_LANG", "zh-TW")
    chinese = _refusal(_CASES[name][0]).split("\n")
    assert chinese[0] == english[0]
    assert chinese[-1].startswith("原因：")


def test_what_is_allowed_at_the_very_edge_is_allowed() -> None:
    for data in (
        _with(reserved=900),
        _with(reserved=0),
        _with(reserved=5, provisioned={"live": 5}),
        _with(provisioned={"live": 900}),
        _with(memory=128, ephemeral=10_240),
        _with(aliases={"live": _ALIAS}, target="live"),
        _with(target="3"),
    ):
        Scenario.from_json(data).check()
