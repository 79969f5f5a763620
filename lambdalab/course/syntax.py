"""What can be told of a code cell without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Call", "calls", "syntax_problem"]

_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


@dataclass(frozen=True, slots=True)
class Call:
    """A call with a literal text as its first argument: ``ask("01-cold-starts")``."""

    function: str
    argument: str


def _python(source: str) -> str:
    from IPython.core.inputtransformer2 import TransformerManager

    python: str = TransformerManager().transform_cell(source)
    return python


def syntax_problem(source: str) -> tuple[int, str] | None:
    """Return line (1-based) and message if a cell does not parse; magics are allowed."""
    try:
        compile(_python(source), "cell", "exec", _AWAIT, dont_inherit=True)
    except SyntaxError as error:
        return error.lineno or 1, error.msg
    return None


def calls(source: str, *names: str) -> Iterator[Call]:
    """Yield the calls of some functions, by name, in a cell that parses."""
    tree: ast.AST = compile(_python(source), "cell", "exec", ast.PyCF_ONLY_AST | _AWAIT)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
            continue
        first = node.args[0]
        if (
            node.func.id in names
            and isinstance(first, ast.Constant)
            and isinstance(first.value, str)
        ):
            yield Call(node.func.id, first.value)
