from __future__ import annotations

import pytest

from lambdalab.course import parity, prose


def told(chinese: str, english: str) -> list[str]:
    return list(parity.differences(prose.read(chinese), prose.read(english)))


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("## 標題\n\n內容。", "## Title\n\nText."),
        ("用 `x` 兩次：`x`。", "Use `x` once."),
        (
            "[文件](https://docs.aws.amazon.com/zh_tw/lambda/a.html)",
            "[Docs](https://docs.aws.amazon.com/lambda/a.html)",
        ),
        ("[課](../zh-TW/01.ipynb)", "[lesson](../en/01.ipynb)"),
        ("[上面](#標題)", "[above](#title)"),
        ("```python\nx = 5\n```", "```python\nx = 5\n```"),
        ('```mermaid\nflowchart\n a["甲"]\n```', '```mermaid\nflowchart\n a["A"]\n```'),
        ("1. 一\n2. 二", "1. a\n2. b"),
    ],
)
def test_twins_that_agree(chinese: str, english: str) -> None:
    assert told(chinese, english) == []


@pytest.mark.parametrize(
    ("chinese", "english", "words"),
    [
        ("## 標題", "### Title", "heading levels differ: zh-TW h2, en h3"),
        ("## 標題", "Title", "zh-TW h2, en none"),
        ("[a](https://x.y)", "a", "links only in zh-TW: https://x.y"),
        ("詞", "[a](https://x.y)", "links only in en"),
        ("用 `x`", "Use `y`", "inline code only in zh-TW: x"),
        ("```\na\n```", "```\nb\n```", "fenced code differs"),
        ("```\na\n```", "```sh\na\n```", "fenced code differs"),
        ("```mermaid\ngraph\n```", "text", "number of mermaid diagrams"),
        ("```mermaid\na-->b\n```", "```mermaid\na-->c\n```", "mermaid diagrams differ"),
        ("```mermaid\na\nb\n```", "```mermaid\na\n```", "(nothing)"),
        ("5 次", "six times", "numbers only in zh-TW: 5"),
        ("很多次", "5 times", "numbers only in en: 5"),
    ],
)
def test_twins_that_differ(chinese: str, english: str, words: str) -> None:
    assert any(words in one for one in told(chinese, english)), told(chinese, english)


@pytest.mark.parametrize(
    ("text", "lang", "right"),
    [
        ("中文", "zh-TW", True),
        ("English", "zh-TW", False),
        ("English", "en", True),
        ("English 中", "en", False),
        ("Also in 繁體中文", "en", True),
        ("The word `佇列` in code", "en", True),
        ("`佇列`", "zh-TW", False),
        ('```mermaid\na["中"]\n```', "zh-TW", True),
        ('```mermaid\na["中"]\n```', "en", False),
    ],
)
def test_a_text_is_in_its_language(text: str, lang: str, right: bool) -> None:
    problem = parity.wrong_language(prose.read(text), lang)  # type: ignore[arg-type]
    assert (problem is None) is right
