"""The course's own diagrams, built with mermaid-py: same nodes in both languages."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from mermaid.flowchart import FlowChart, Link, Node
from mermaid.graph import Graph

from lambdalab.i18n import Language, message
from lambdalab.rules.lifecycle import INIT_ORDER, SHUTDOWN_ORDER

__all__ = ["DIAGRAMS", "describe", "draw"]

Say = Callable[..., str]


def _chain(nodes: list[Node]) -> list[Link]:
    return [Link(one, two) for one, two in pairwise(nodes)]


def _steps(order: tuple[str, ...], phase: str, say: Say) -> list[Node]:
    """Return a node for each step of a phase, in the rulebook's order."""
    return [Node(f"{step}_{phase}", say(f"{step}_{phase}")) for step in order]


def _lifecycle(say: Say) -> Graph:
    init = _steps(INIT_ORDER, "init", say)
    shutdown = _steps(SHUTDOWN_ORDER, "shutdown", say)
    handler = Node("handler", say("handler"), shape="round-edge")
    frozen = Node("frozen", say("frozen"), shape="stadium-shape")
    phases = [
        Node("init", say("init"), sub_nodes=init, direction="TB"),
        Node("invoke", say("invoke"), sub_nodes=[handler, frozen], direction="TB"),
        Node("shutdown", say("shutdown"), sub_nodes=shutdown, direction="TB"),
    ]
    links = [
        *_chain(init),
        Link(handler, frozen, message=say("done")),
        Link(frozen, handler, message=say("again")),
        *_chain(shutdown),
        Link(phases[0], phases[1], shape="thick", message=say("ready")),
        Link(phases[1], phases[2], shape="thick", message=say("idle")),
    ]
    return FlowChart(say("title"), phases, links, orientation="LR")


def _sandbox(say: Say) -> Graph:
    notebook = Node("notebook", say("notebook"))
    terminal = Node("terminal", say("terminal"))
    port = Node("port", say("port"), shape="stadium-shape")
    service = Node("lambda", say("lambda"))
    state = Node("state", say("state"), shape="cylindrical")
    one, two = Node("one", say("one")), Node("two", say("two"))
    environments = Node("environments", say("environments"), sub_nodes=[one, two], direction="TB")
    machine = Node(
        "machine",
        say("machine"),
        sub_nodes=[notebook, terminal, port, service, state, environments],
        direction="LR",
    )
    aws = Node("aws", say("aws"), shape="hexagon")
    links = [
        Link(notebook, port, message=say("api")),
        Link(terminal, port),
        Link(port, service),
        Link(port, state),
        Link(service, environments, message=say("runtime_api")),
        # Both ways and not backwards, so that the environments stand at the far end.
        Link(port, environments, shape="dotted", head_left="left-arrow", message=say("calls")),
        Link(port, aws, shape="dotted", head_right="cross", message=say("never")),
    ]
    return FlowChart(say("title"), [machine, aws], links, orientation="LR")


DIAGRAMS: dict[str, Callable[[Say], Graph]] = {"lifecycle": _lifecycle, "sandbox": _sandbox}
"""What :func:`lambdalab.widgets.diagram` knows by name."""


def _say(name: str, lang: Language) -> Say:
    def say(key: str, **values: object) -> str:
        return message(f"widgets.diagram.{name}.{key}", lang, **values)

    return say


def draw(name: str, lang: Language) -> Graph:
    """Return a named diagram in one language."""
    return DIAGRAMS[name](_say(name, lang))


def describe(name: str, lang: Language) -> str:
    """Return a named diagram in words."""
    say = _say(name, lang)
    arrow = " → "
    if name != "lifecycle":
        return say("alt")
    return say(
        "alt",
        init=arrow.join(say(f"{step}_init") for step in INIT_ORDER),
        shutdown=arrow.join(say(f"{step}_shutdown") for step in SHUTDOWN_ORDER),
    )
