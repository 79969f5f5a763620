"""The call path: pick a service, and see who waits, who tries again, and what may be lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import anywidget
import traitlets

from lambdalab.errors import LambdalabError
from lambdalab.i18n import Language, as_language, language, message, messages
from lambdalab.rules.invoking import Mode, Service
from lambdalab.rules.services import SERVICES, find
from lambdalab.widgets.call_path_view import modes_page, rows, service_for_view
from lambdalab.widgets.live import asset
from lambdalab.widgets.showing import shown

__all__ = ["TO_SORT", "CallPath", "CallPathError"]

View = Literal["path", "sort"]

TO_SORT = (
    "s3",
    "api-gateway",
    "sqs",
    "cloudformation",
    "alb",
    "sns",
    "kinesis",
    "cognito",
    "scheduler",
    "dynamodb",
    "cloudfront",
    "eventbridge",
    "function-url",
    "step-functions",
)
"""The services that are to be sorted where nobody says which."""


class CallPathError(LambdalabError):
    """A service or a view that does not exist."""


class CallPath(anywidget.AnyWidget):  # type: ignore[misc]
    """Draws the way of an event into a function, for every service that has one invoked.

    Parameters
    ----------
    service
        Whose path is shown first: an id of :data:`lambdalab.rules.services.SERVICES`, such as
        ``s3`` or ``api-gateway``.
    compare
        A second service, whose rules stand beside the first one's.
    view
        ``path``: one event on its way, which can be sent, fail or be throttled. ``sort``: the
        learner puts each service under synchronous, asynchronous or polling.
    services
        Ids of the services there are to choose from, or to sort. Left out: all of them, and
        fourteen to sort.

    Raises
    ------
    CallPathError
        There is no such service or view; the message lists those there are.
    """

    _esm = asset("common.js", "call_path_picture.js", "call_path_sort.js", "call_path.js")
    _css = asset("common.css", "call_path.css")

    labels = traitlets.Dict().tag(sync=True)
    lang = traitlets.Unicode().tag(sync=True)
    services = traitlets.List().tag(sync=True)
    """What the browser knows of the services, in the order they were given."""
    page = traitlets.Dict().tag(sync=True)
    start = traitlets.Dict().tag(sync=True)
    """Where "reset" leads to."""
    view = traitlets.Enum(get_args(View), "path").tag(sync=True)
    service = traitlets.Unicode().tag(sync=True)
    """Id of the service whose path is shown."""
    compare = traitlets.Unicode("").tag(sync=True)
    """Id of the one it is compared with; empty: none."""
    outcome = traitlets.Unicode("").tag(sync=True)
    """What was played last: ``success``, ``error`` or ``throttled``; empty: nothing."""
    placed = traitlets.Dict().tag(sync=True)
    """How the learner has sorted: id of a service -> ``sync``, ``async`` or ``poll``."""

    def __init__(
        self,
        service: str | None = None,
        *,
        compare: str | None = None,
        view: View = "path",
        services: Sequence[str] | None = None,
    ) -> None:
        if view not in get_args(View):
            raise CallPathError(message("call_path.problem.view", name=repr(view)))
        if services is None:
            services = TO_SORT if view == "sort" else [one.id for one in SERVICES]
        every = {one.id: one for one in SERVICES}
        chosen = {name: _among(every, name) for name in services}
        if not chosen:
            raise CallPathError(message("call_path.problem.few"))
        first = next(iter(chosen)) if service is None else _among(chosen, service).id
        other = "" if compare is None else _among(chosen, compare).id
        lang = language()
        state = {"service": first, "compare": other, "view": view}
        super().__init__(
            labels=dict(messages("call_path", lang)),
            lang=lang,
            services=[service_for_view(one, lang) for one in chosen.values()],
            page=modes_page(),
            start=state,
            **state,
        )

    @property
    def right(self) -> int:
        """How many services the learner has put where they belong."""
        return sum(find(name).mode == mode for name, mode in self.placed.items())

    def to_text(self) -> str:
        """Return what holds for the service, and for the one it is compared with, in words."""
        lang = as_language(self.lang)
        if self.view == "sort":
            return self._sorted(lang)
        names = [self.service, self.compare] if self.compare else [self.service]
        return "\n\n".join(_told(find(name), lang) for name in names)

    def _sorted(self, lang: Language) -> str:
        lines = [message("call_path.sort.title", lang)]
        names = {one["id"]: one["name"] for one in self.services}
        for mode in Mode:
            here = [names[name] for name, place in self.placed.items() if place == mode]
            about = message(f"call_path.about.{mode}", lang)
            lines += [f"{message(f'call_path.mode.{mode}', lang)}: {about}"]
            lines += [f"  {name}" for name in here]
        rest = [name for one, name in names.items() if one not in self.placed]
        lines.append(message("call_path.sort.pool", lang, count=len(rest)))
        lines += [f"  {name}" for name in rest]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<CallPath: {'sort' if self.view == 'sort' else self.service}>"

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any] | None:
        return shown(self, self.to_text())


def _told(service: Service, lang: Language) -> str:
    heading = message(
        "call_path.text.heading",
        lang,
        name=service.name[lang],
        mode=message(f"call_path.mode.{service.mode}", lang),
    )
    lines = [
        message(
            "call_path.text.row",
            lang,
            label=message(f"call_path.row.{key}", lang),
            value=text.replace("\n", message("call_path.text.and", lang)),
        )
        for key, text in rows(service, lang)
    ]
    page = message(
        "call_path.text.row",
        lang,
        label=message("call_path.row.source", lang),
        value=service.source.url,
    )
    return "\n".join([heading, *lines, page])


def _among(known: Mapping[str, Service], name: str) -> Service:
    if name not in known:
        raise CallPathError(
            message("call_path.problem.service", name=repr(name), known=", ".join(known))
        )
    return known[name]
