"""What the linters say of a text."""

from __future__ import annotations

import pytest

from lambdalab.course import glossary, prose


def _problems(markdown: str) -> list[str]:
    (line,) = prose.read(markdown).lines
    return list(glossary.chinese(line.text))


@pytest.mark.parametrize(
    "markdown", ["**重點**：接著說。", "先說**重點**再說別的。", "**`code`**：是程式碼。"]
)
def test_emphasis_that_markdown_reads_is_fine(markdown: str) -> None:
    assert _problems(markdown) == []


def test_emphasis_that_markdown_does_not_close_is_a_problem() -> None:
    assert any("emphasis" in problem for problem in _problems("**重點。**接著說。"))
