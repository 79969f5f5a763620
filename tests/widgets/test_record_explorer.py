"""The record explorer without a browser: lines, origins, dead letters, and what it refuses."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.i18n import LANGUAGES, Language, messages
from lambdalab.rules import destinations, discards
from lambdalab.rules.destinations import Response
from lambdalab.rules.retries import Condition
from lambdalab.sandbox import events as ev
from lambdalab.sandbox.events import Event
from lambdalab.widgets import RecordExplorer
from lambdalab.widgets.record_explorer import RecordError
from lambdalab.widgets.record_fields import dead_letter, explained, here, in_dead_letter
from lambdalab.widgets.record_lines import LONGEST, MOST, lines, unwrapped
from lambdalab.widgets.record_origin import cards, history, targets
from tests.widgets.records import Log

ARN = "arn:aws:lambda:us-east-1:123456789012:function:charge:PROD"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:failed"
REQUEST = "11111111-2222-3333-4444-555555555555"
PAYLOAD = {"order": "A-18", "items": [{"sku": "pen", "n": 2}]}
ERROR = {"errorMessage": "Declined", "errorType": "CardError", "stackTrace": ["  line 3"]}


class Box:
    """A sandbox that has nothing but an event log."""

    def __init__(self, events: list[Event]) -> None:
        self.log = events

    def events(self, after: int = 0, *, limit: int = 1000) -> list[Event]:
        return [event for event in self.log if event.seq > after][:limit]


def as_box(events: list[Event]) -> Any:
    return cast(Any, Box(events))


def failed(time: float = 1_000_190.0, condition: Condition = Condition.RETRIES_EXHAUSTED) -> Any:
    """Return a record as the sandbox writes it."""
    return destinations.record(
        request_id=REQUEST,
        function_arn=ARN,
        condition=condition,
        invoke_count=3,
        payload=json.dumps(PAYLOAD).encode(),
        response=Response("2", json.dumps(ERROR).encode(), "Unhandled"),
        time=time,
    )


def story(log: Log | None = None, request: str = REQUEST, function: str = "charge") -> Log:
    """Tell of an event that fails three times and is sent on."""
    log = log or Log()
    who: dict[str, Any] = {"function": function, "qualifier": "PROD", "request_id": request}
    log.add(ev.EventQueued, **who, source="s3", payload_bytes=57, max_retries=2, max_age_s=21600.0)
    for number, delay in ((1, 63.0), (2, 126.0), (3, None)):
        log.add(ev.AttemptStarted, 0.01, **who, attempt=number)
        log.add(
            ev.AttemptFinished, 0.1, **who, attempt=number, status="error", error_type="CardError"
        )
        if delay is not None:
            log.add(
                ev.RetryScheduled,
                **who,
                attempt=number + 1,
                delay_s=delay,
                due=log.now + delay,
                cause="function-error",
            )
            log.now += delay
    record = failed(log.now)
    record["requestContext"]["requestId"] = request
    for kind, body in (("on-failure", record), ("dead-letter", PAYLOAD)):
        log.add(
            ev.DestinationDelivered,
            **who,
            kind=kind,
            destination=QUEUE,
            condition="RetriesExhausted",
            body=json.dumps(body),
        )
    return log


def discarded() -> Any:
    """Return what a stream's on-failure destination gets."""
    return discards.discard_record(
        request_id="last",
        function_arn=ARN,
        condition=discards.Condition.RETRIES,
        invoke_count=2,
        response=discards.Response(200, "2", "Unhandled"),
        now=1_000_100.0,
        batch=discards.BatchInfo(
            field="KinesisBatchInfo",
            shard="shardId-000000000000",
            stream_arn="arn:aws:kinesis:us-east-1:123456789012:stream/clicks",
            first="49590000001",
            last="49590000009",
            first_arrived=1_000_000.0,
            last_arrived=1_000_001.0,
            size=9,
        ),
    )


# -- lines --------------------------------------------------------------------------------

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def read(told: list[Any]) -> Any:
    """Read lines as JSON again."""
    return json.loads(
        "".join(
            ("" if line.key is None else f"{json.dumps(line.key)}:")
            + line.text
            + ("," if line.comma else "")
            for line in told
        )
    )


@given(st.dictionaries(st.text(max_size=5), values, max_size=4))
def test_lines_are_the_record_again(record: dict[str, Any]) -> None:
    assert read(lines(record)) == json.loads(json.dumps(record))


def test_a_long_part_is_cut_and_says_so() -> None:
    record = failed()
    record["requestPayload"] = {"items": [{"n": number} for number in range(200)]}
    told = lines(record)
    part = [line for line in told if line.path[:1] == ("requestPayload",)]
    (more,) = [line for line in part if line.kind == "more"]
    assert len(part) <= MOST + 4
    opened = sum(line.kind == "open" for line in told)
    assert opened == sum(line.kind == "close" for line in told)
    whole = 2 + 2 + 200 * 3
    kept = [line for line in part if line.kind != "more"]
    assert int(more.text) + len(kept) == whole
    assert [line.text for line in told if line.key == "errorMessage"] == ['"Declined"']


def test_a_long_text_is_cut() -> None:
    record = {**failed(), "responsePayload": "x" * 5000}
    (line,) = [one for one in lines(record) if one.key == "responsePayload"]
    assert len(line.text) < LONGEST + 5
    assert line.text.endswith('…"')


@pytest.mark.parametrize(
    "wrap",
    [
        lambda record: record,
        json.dumps,
        lambda record: json.dumps(record).encode(),
        lambda record: {"MessageId": "1", "Body": json.dumps(record)},
        lambda record: {"Records": [{"messageId": "1", "body": json.dumps(record)}]},
        lambda record: {"Type": "Notification", "Message": json.dumps(record)},
        lambda record: {"Records": [{"Sns": {"Message": json.dumps(record)}}]},
        lambda record: {"detail-type": "Lambda Function Invocation Result", "detail": record},
    ],
)
def test_a_record_is_found_in_what_holds_it(wrap: Any) -> None:
    assert unwrapped(wrap(failed())) == failed()


@pytest.mark.parametrize(
    "given_", [{}, "x", "[1]", 3, {"Body": "{}"}, {"requestContext": {}}, b"\xff"]
)
def test_what_holds_none(given_: Any) -> None:
    assert unwrapped(given_) is None


# -- where it came from -------------------------------------------------------------------


@pytest.mark.parametrize("record", [failed(), discarded()], ids=["async", "stream"])
def test_every_field_comes_from_a_card(record: Any) -> None:
    for lang in LANGUAGES:
        ids = {card.id for card in cards(record, history(record, []), lang)}
        buried = {card.id for card in dead_letter(record, history(record, []), lang)}
        for line in lines(record):
            if line.kind in ("open", "close"):
                continue
            assert set(targets(record, line.path)) <= ids
            assert targets(record, line.path)
            assert in_dead_letter(record, line.path) in buried
            assert explained(record, line.path, lang) != messages("record", lang)["field_other"]


def test_the_event_log_tells_the_attempts() -> None:
    log = story()
    known = history(failed(), log.events)
    assert [(one.number, one.status, one.wait) for one in known.tries] == [
        (1, "error", 63.0),
        (2, "error", 126.0),
        (3, "error", None),
    ]
    assert known.delivered is not None
    assert known.dead_letter is not None
    text = str(cards(failed(), known, "en"))
    assert "63 s" in text
    assert "CardError" in text
    assert QUEUE in text
    assert "21,600 s" in text
    said = here(failed(), known, ("requestContext", "approximateInvokeCount"), "en")
    assert said is not None
    assert said.startswith("It ran 3 times in 3 attempts")
    assert "PROD" in str(here(failed(), known, ("responseContext", "executedVersion"), "en"))


def test_many_attempts_are_summed_up() -> None:
    log = Log()
    who: dict[str, Any] = {"function": "charge", "qualifier": "PROD", "request_id": REQUEST}
    for number in range(1, 81):
        log.add(ev.AttemptStarted, 300.0, **who, attempt=number)
        log.add(ev.AttemptFinished, **who, attempt=number, status="throttled", error_type="X")
    known = history(failed(), log.events)
    (card,) = [one for one in cards(failed(), known, "en") if one.id == "attempts"]
    assert len(card.rows) == 7
    assert "74 more" in card.rows[3][1]
    assert known.ran == []


def test_a_stream_s_attempts_are_those_of_its_batch() -> None:
    log = Log()
    who: dict[str, Any] = {
        "mapping": "uuid-1",
        "function": "charge",
        "source_arn": "s",
        "shard": "0",
    }
    for batch, attempt, request in (("b1", 1, "first"), ("b2", 1, "x"), ("b1", 2, "last")):
        told: dict[str, Any] = {**who, "batch": batch, "request_id": request}
        log.add(ev.BatchStarted, 1.0, **told, records=("1",), attempt=attempt)
        log.add(ev.BatchFinished, 0.1, **told, status="error", error_type="CardError")
        if request == "first":
            log.add(ev.ShardBlocked, **who, batch=batch, attempt=2, due=log.now + 2, waiting=3)
    log.add(
        ev.RecordsDiscarded, **who, batch="b1", records=("1",), condition="RetryAttemptsExhausted"
    )
    known = history(discarded(), log.events)
    assert [(one.number, one.wait) for one in known.tries] == [(1, 2.0), (2, None)]
    text = str(cards(discarded(), known, "en"))
    assert "uuid-1" in text
    assert "the shard waits 2 s" in text


# -- the dead letter ----------------------------------------------------------------------


def test_a_dead_letter_is_the_rulebook_s() -> None:
    told = {card.id: card for card in dead_letter(failed(), history(failed(), []), "en")}
    assert list(told) == ["body", "RequestID", "ErrorCode", "ErrorMessage", "none"]
    assert json.loads(told["body"].rows[0][1]) == PAYLOAD
    assert [told[name].rows[0][1] for name in ("RequestID", "ErrorCode", "ErrorMessage")] == [
        REQUEST,
        "200",
        "Declined",
    ]


def test_an_event_that_was_refused_to_the_end() -> None:
    record = failed(condition=Condition.EVENT_AGE_EXCEEDED)
    told = {card.id: card for card in dead_letter(record, history(record, []), "en")}
    assert told["ErrorCode"].rows[0][1] == str(destinations.REFUSED[0])
    assert told["ErrorMessage"].rows[0][1] == destinations.REFUSED[1]


@pytest.mark.parametrize("record", [failed(condition=Condition.SUCCESS), discarded()])
def test_where_a_dead_letter_queue_gets_nothing(record: Any) -> None:
    (card,) = dead_letter(record, history(record, []), "en")
    assert card.id == "none"
    assert in_dead_letter(record, ("requestContext", "requestId")) == "none"


# -- the widget ---------------------------------------------------------------------------


@pytest.fixture(params=LANGUAGES)
def lang(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Language:
    """Read as somebody of each language; the running notebook's folder tells."""
    chosen: Language = request.param
    monkeypatch.setenv("JPY_SESSION_NAME", f"/course/lessons/{chosen}/06_destinations.ipynb")
    return chosen


def test_a_record_in_words(lang: Language) -> None:
    for record in (failed(), discarded()):
        widget = RecordExplorer(record)
        text = widget.to_text()
        for line in lines(record):
            if line.kind not in ("open", "close"):
                assert f"{'.'.join(line.path)} = {line.text}" in text
        known = messages("record", lang)
        assert known["field.requestContext.approximateInvokeCount"] in text
        assert widget.record == record
        assert widget.live is False
        bundle = widget._repr_mimebundle_()
        assert bundle is not None
        assert bundle["text/plain"] == text


def test_the_newest_of_the_log_and_those_before(lang: Language) -> None:
    log = story()
    story(log, "second")
    story(log, "third", "other")
    widget = RecordExplorer(box=as_box(log.events))
    requests = [one["record"]["requestContext"]["requestId"] for one in widget.records]
    assert requests == ["third", "second", REQUEST]
    widget.chosen = 1
    assert widget.record["requestContext"]["requestId"] == "second"
    mine = RecordExplorer(box=as_box(log.events), function="charge")
    assert len(mine.records) == 2
    assert len(RecordExplorer(box=as_box(log.events), since=log.events[9].seq).records) == 2
    story(log, "fourth")
    mine.refresh()
    assert (mine.chosen, mine.record["requestContext"]["requestId"]) == (0, "fourth")


def test_a_record_s_own_history_is_found(lang: Language) -> None:
    widget = RecordExplorer(failed(), as_box(story().events))
    assert len(widget.records) == 1
    assert widget.live
    assert QUEUE in str(widget.records[0]["origin"])


def test_what_cannot_be_shown(clean_environment: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", "en")
    with pytest.raises(RecordError, match="box="):
        RecordExplorer()
    with pytest.raises(RecordError, match="three attributes"):
        RecordExplorer(PAYLOAD)
    with pytest.raises(RecordError, match="no destination record yet"):
        RecordExplorer(box=as_box([]))
    with pytest.raises(RecordError, match="are of: charge"):
        RecordExplorer(box=as_box(story().events), function="nobody")
    widget = RecordExplorer(box=as_box(story().events))
    widget._box = as_box([])
    widget._asked(widget, {"do": "refresh"}, [])
    assert "no destination record yet" in widget.note
    assert len(widget.records) == 1


def test_the_view_gets_every_word_it_needs(lang: Language) -> None:
    known = messages("record", lang)
    script = (resources.files("lambdalab.widgets") / "static" / "record_explorer.js").read_text(
        encoding="utf-8"
    )
    said = set(re.findall(r'say\("([a-z_.]+)"', script))
    assert len(said) > 8
    assert sorted(said - set(known)) == []
    starts = re.findall(r"say\(`([a-z_.]+)\$\{", script)
    assert [one for one in starts if not any(key.startswith(one) for key in known)] == []
