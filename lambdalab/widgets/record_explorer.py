"""The record explorer: what a destination got, and where each field of it came from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from lambdalab.errors import LambdalabError
from lambdalab.i18n import Language, as_language, language, message, messages
from lambdalab.sandbox.events import DestinationDelivered, Event
from lambdalab.widgets.live import asset
from lambdalab.widgets.record_fields import dead_letter, explained, here, in_dead_letter, page
from lambdalab.widgets.record_lines import lines, unwrapped
from lambdalab.widgets.record_origin import cards, history, is_stream, moment, targets
from lambdalab.widgets.rulebook import page_name
from lambdalab.widgets.showing import shown

if TYPE_CHECKING:
    from lambdalab.sandbox import Sandbox

__all__ = ["MOST_RECORDS", "RecordError", "RecordExplorer"]

MOST_RECORDS = 20
"""Records of the event log to choose from, the newest ones."""
_PAGE = 10_000


class RecordError(LambdalabError):
    """There is no record to show."""


class RecordExplorer(anywidget.AnyWidget):  # type: ignore[misc]
    """Shows a destination's record field by field, with what the event log knows of it.

    Parameters
    ----------
    record
        The record: a dict, JSON text, or what holds it (a message of SQS, a notification of
        SNS, an event of EventBridge). Left out: the newest one in the event log, with those
        before it to choose from.
    box
        The sandbox, for the attempts and settings behind the record. Without one, the fields
        are explained all the same.
    function
        Only records of this function.
    since
        Leave out events whose ``seq`` is not above this.

    Raises
    ------
    RecordError
        That is no record, or there is none yet.
    SandboxError
        The sandbox does not answer.
    """

    _esm = asset("common.js", "record_explorer.js")
    _css = asset("common.css", "record_explorer.css")

    labels = traitlets.Dict().tag(sync=True)
    lang = traitlets.Unicode().tag(sync=True)
    records = traitlets.List().tag(sync=True)
    """Every record there is to choose from, newest first, with its lines and cards."""
    chosen = traitlets.Int(0).tag(sync=True)
    """Which of them is shown."""
    beside = traitlets.Enum(["origin", "dlq"], "origin").tag(sync=True)
    """What stands beside the record: where it came from, or what a DLQ gets."""
    live = traitlets.Bool(False).tag(sync=True)
    """Whether the event log can be read again."""
    note = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        record: Mapping[str, Any] | str | bytes | None = None,
        box: Sandbox | None = None,
        *,
        function: str | None = None,
        since: int = 0,
    ) -> None:
        if record is None and box is None:
            raise RecordError(message("record.problem.nothing"))
        self._given = None
        if record is not None:
            self._given = unwrapped(record)
            if self._given is None:
                raise RecordError(message("record.problem.not_record"))
        self._box = box
        self._function = function
        self._since = since
        lang = language()
        super().__init__(
            labels=dict(messages("record", lang)),
            lang=lang,
            records=self._read(lang),
            live=box is not None,
        )
        self.on_msg(self._asked)

    @property
    def record(self) -> dict[str, Any]:
        """The record that is shown."""
        return dict(self.records[self.chosen]["record"])

    def refresh(self) -> None:
        """Read the event log again; the newest record is shown.

        Raises
        ------
        RecordError, SandboxError
            As when it was made.
        """
        self.records = self._read(as_language(self.lang))
        self.chosen = 0

    def _read(self, lang: Language) -> list[dict[str, Any]]:
        events = [] if self._box is None else _all(self._box, self._since)
        if self._given is not None:
            return [_for_view(self._given, events, lang)]
        told = [one for one in events if isinstance(one, DestinationDelivered)]
        held = [(one, unwrapped(one.body)) for one in told if one.kind != "dead-letter"]
        found = [
            record
            for one, record in reversed(held)
            if record is not None and self._function in (None, one.function)
        ]
        if not found:
            known = ", ".join(sorted({one.function for one, record in held if record}))
            if self._function is not None and known:
                raise RecordError(
                    message("record.problem.none_of", lang, function=self._function, known=known)
                )
            raise RecordError(message("record.problem.none", lang))
        return [_for_view(record, events, lang) for record in found[:MOST_RECORDS]]

    def _asked(self, _widget: object, content: Any, _buffers: object) -> None:  # noqa: ANN401
        if not isinstance(content, dict) or content.get("do") != "refresh":
            return
        try:
            self.note = ""
            self.refresh()
        except LambdalabError as error:
            self.note = str(error)

    def to_text(self) -> str:
        """Return every field with its value and what it means, in words."""
        lang = as_language(self.lang)
        one = self.records[self.chosen]
        title = "stream_title" if one["stream"] else "title"
        told = [message(f"record.{title}", lang)]
        said: set[str] = set()  # the members of a payload have one explanation for all
        for line in one["lines"]:
            if line["kind"] in ("open", "close", "more"):
                continue
            told.append(message("record.text.line", lang, path=line["path"], value=line["text"]))
            field = one["fields"][line["path"]]
            about = [text for text in (field["what"], field["here"]) if text and text not in said]
            told += [message("record.text.about", lang, text=text) for text in about]
            said.update(about)
        return "\n".join(told)

    def __repr__(self) -> str:
        context = self.record["requestContext"]
        return f"<RecordExplorer: {context.get('condition')} {context.get('requestId')}>"

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any] | None:
        return shown(self, self.to_text())


def _all(box: Sandbox, since: int) -> list[Event]:
    """Return the event log from there to its end."""
    found: list[Event] = []
    while batch := box.events(found[-1].seq if found else since, limit=_PAGE):
        found += batch
    return found


def _for_view(record: Mapping[str, Any], events: Sequence[Event], lang: Language) -> dict[str, Any]:
    """Return all that the browser shows of a record, as JSON-ready data."""
    known = history(record, events)
    told = lines(record)
    fields = {}
    for line in told:
        if line.kind in {"close", "more"} or not line.path:
            continue
        buried = in_dead_letter(record, line.path)
        fields[".".join(line.path)] = {
            "what": explained(record, line.path, lang),
            "here": here(record, known, line.path, lang) or "",
            "origin": list(targets(record, line.path)),
            "dlq": [] if buried is None else [buried],
        }
    source = page(record)
    context = record["requestContext"]
    arn = str(context.get("functionArn", "")).split(":")
    delivered = known.delivered
    time = record.get("timestamp", "") if delivered is None else moment(delivered.time)
    return {
        "record": json.loads(json.dumps(record)),
        "stream": is_stream(record),
        "name": message(
            "record.choice",
            lang,
            function=arn[6] if len(arn) > 6 else "?",
            condition=context["condition"],
            time=time,
        ),
        "lines": [line.to_json() for line in told],
        "fields": fields,
        "origin": [card.to_json() for card in cards(record, known, lang)],
        "dlq": [card.to_json() for card in dead_letter(record, known, lang)],
        "page": {
            "url": source.url,
            "name": page_name(source.url),
            "read": source.read.isoformat(),
        },
    }
