"""Values pass as bounded JSON, or are refused with the reason."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.grading import left
from lambdalab.grading.calling import collect
from lambdalab.grading.left import Inputs, Left, from_json, to_json
from lambdalab.grading.values import (
    VALUE_MAX_BYTES,
    CallResult,
    NotJsonError,
    Outputs,
    UnreadableOutputError,
    plain,
    read_json,
)
from lambdalab.i18n import LANGUAGES

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=20,
)


@given(VALUES)
def test_json_comes_out_as_it_went_in(value: Any) -> None:
    assert json.loads(json.dumps(plain(value))) == value


class Sly(str):
    """Text that claims to be other text."""

    def __str__(self) -> str:
        return "sly"


def test_a_copy_of_plain_types() -> None:
    given_value = {"a": (1, [True, None]), "b": 1.5}
    assert plain(given_value) == {"a": [1, [True, None]], "b": 1.5}
    assert type(plain(Sly("x"))) is str


def deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(100):
        value = [value]
    return value


def unfolding() -> list[Any]:
    value: list[Any] = ["x"]
    for _ in range(50):
        value = [value, value]
    return value


def ring() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ({1, 2}, "type"),
        (b"x", "type"),
        (object(), "type"),
        ([1, {"a": {1}}], "type"),
        (math.nan, "number"),
        (math.inf, "number"),
        (10**5000, "number"),
        ({1: 2}, "key"),
        ("\ud800", "text"),
        (deep(), "too_deep"),
        (ring(), "too_deep"),
        (unfolding(), "too_large"),
        ("x" * VALUE_MAX_BYTES, "too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_what_json_does_not_have(value: object, key: str) -> None:
    with pytest.raises(NotJsonError) as caught:
        plain(value)
    assert caught.value.key == key
    assert all(caught.value.text(lang) for lang in LANGUAGES)


def test_reading_a_refused_output_says_which() -> None:
    outputs = Outputs({"a": 1}, {"b": NotJsonError("type", type="set")})
    assert outputs["a"] == 1
    assert outputs.get("c") is None
    assert set(outputs) == {"a", "b"}
    with pytest.raises(UnreadableOutputError) as caught:
        outputs.get("b")
    assert caught.value.name == "b"


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "NaN", "[Infinity]", "1" * 5000])
def test_json_of_strangers(text: str) -> None:
    with pytest.raises(ValueError):
        read_json(text)


def test_collecting_from_a_namespace() -> None:
    def half(number: float) -> float:
        return number / 2

    def spoil(numbers: list[int]) -> int:
        numbers.clear()
        raise RuntimeError("no")

    def leave() -> None:
        raise SystemExit(3)

    def strange() -> set[int]:
        return {1}

    inputs: Inputs = {
        "half": [[4], ["x"], []],
        "spoil": [[[1]], [[1]]],
        "leave": [[]],
        "strange": [[]],
        "gone": [[1]],
    }
    namespace = {
        "a": 1,
        "b": {2},
        "half": half,
        "spoil": spoil,
        "leave": leave,
        "strange": strange,
    }
    found = collect(namespace, ["a", "b", "c"], inputs)
    assert found.outputs == {"a": 1}
    assert set(found.refused) == {"b"}
    assert found.missing == {"gone"}
    calls = found.calls
    assert calls["half"][0] == CallResult([4], 2.0, None)
    assert str(calls["half"][1].error).startswith("TypeError: ")
    assert str(calls["half"][2].error).startswith("TypeError: ")
    assert [one.arguments for one in calls["spoil"]] == [[[1]], [[1]]]
    assert calls["spoil"][0].error == "RuntimeError: no"
    assert calls["leave"][0].error == "SystemExit: 3"
    assert calls["strange"][0].error == "TypeError: not JSON: a set"
    assert calls["gone"][0].error is not None


def test_calls_have_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambdalab.grading.calling.CALLS_S", 0.2)

    def forever(_: int) -> None:
        while True:
            try:
                sum(range(1000))
            except Exception:  # noqa: BLE001 - a stubborn answer
                return

    def fast(_: int) -> int:
        return 1

    found = collect({"forever": forever, "fast": fast}, [], {"forever": [[1]], "fast": [[1]]})
    for name in ("forever", "fast"):
        assert str(found.calls[name][0].error).startswith("TimeoutError: ")


def test_left_travels_as_json() -> None:
    inputs = {"f": [[1], [2]]}
    found = Left(
        {"a": 1},
        {"b": NotJsonError("type", type="set")},
        {"f": [CallResult([1], 5, None), CallResult([2], None, "ValueError: x")]},
        frozenset(),
    )
    back = from_json(json.loads(json.dumps(to_json(found))), ["a", "b"], inputs)
    assert back.outputs == found.outputs
    assert back.calls == found.calls
    assert back.refused["b"].text("en") == "a set"


@pytest.mark.parametrize(
    "data",
    [
        None,
        7,
        [],
        {"outputs": 3, "refused": [], "calls": {"f": 1}, "missing": {}},
        {"outputs": {"z": 1}, "calls": {"f": [[1, "both"], "x"], "g": []}, "missing": ["q", 1]},
        {"refused": {"a": ["type", {"wrong": "{0}"}]}},
    ],
)
def test_lies_about_what_was_left_do_no_harm(data: object) -> None:
    found = left.from_json(data, ["a"], {"f": [[1], [2]]})
    assert set(found.outputs) == set()
    assert [one.error is None for one in found.calls["f"]] == [False, False]
    assert found.missing == frozenset()


def test_empty() -> None:
    nothing = CallResult([1], None, None)
    assert Left({"a": None}, {}, {"f": [nothing]}, frozenset()).empty
    assert Left({}, {}, {"f": [CallResult([1], None, "NameError")]}, frozenset({"f"})).empty
    assert not Left({"a": 0}).empty
    assert not Left({}, {}, {"f": [CallResult([1], None, "ValueError")]}, frozenset()).empty
