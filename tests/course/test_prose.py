from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.course import prose
from lambdalab.course.prose import CODE

TEXT = """\
## A heading

Some *words* with `code` and [a link](https://aws.amazon.com "title"),
and an ![image](picture.png).

- item 1
- `item`

| a | b |
|---|---|
| c | d |

```python
x = 1
```

```mermaid
flowchart LR
  a --> b
```

<b>raw</b> and <br> more
"""


def test_a_text_taken_apart() -> None:
    parts = prose.read(TEXT)
    assert parts.headings == (2,)
    assert parts.links == {"https://aws.amazon.com", "picture.png"}
    assert parts.code == {"code", "item"}
    assert parts.fences == (("python", "x = 1\n"),)
    assert parts.diagrams == ("flowchart LR\n  a --> b\n",)
    lines = [line.text for line in parts.lines]
    assert lines[0] == "A heading"
    assert lines[1] == f"Some words with {CODE} and a link,\nand an image."
    assert lines[2:8] == ["item 1", CODE, "a", "b", "c", "d"]
    assert "<" not in parts.text and "x = 1" not in parts.text


def test_each_line_knows_where_it_is() -> None:
    numbered = TEXT.splitlines()
    for line in prose.read(TEXT).lines:
        first = line.text.split("\n")[0].split(CODE)[0].strip().split(" ")[0]
        assert first in numbered[line.offset]


def test_a_bare_address_is_no_prose() -> None:
    assert prose.read("see https://example.com/5 now").text == "see https://example.com/5 now"
    assert prose.read("[https://example.com/5](https://example.com/5)").text == CODE


def test_html_is_shown_and_not_obeyed() -> None:
    evil = "<script>alert(1)</script> <img src=x onerror=y> **b** [x](javascript:alert(1))"
    for made in (prose.html(evil), prose.html(evil, inline=True)):
        assert "<script" not in made and "<img" not in made
        assert 'href="javascript' not in made
        assert "<strong>b</strong>" in made


SAFE = {"p", "strong", "em", "code", "pre", "a", "ul", "ol", "li", "blockquote", "hr", "br", "img"}
SAFE |= {"h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}


@given(st.text(alphabet="<>abc/= \n\"'`*[]()!#&;:javascript", max_size=60))
def test_no_text_makes_other_tags_than_markdowns(text: str) -> None:
    for tag in re.findall(r"<\s*/?\s*([a-zA-Z0-9]+)", prose.html(text)):
        assert tag in SAFE


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("**bold** and `code`", "bold and code"),
        ("one\ntwo\n\nthree", "one\ntwo\nthree"),
        ("- a\n- b", "a\nb"),
        ("```\nx = 1\n```", "x = 1"),
        ("[word](https://x.y)", "word"),
        ("", ""),
    ],
)
def test_as_text_for_a_terminal(text: str, plain: str) -> None:
    assert "".join(prose.plain(text)) == plain


def test_a_diagram_without_its_words() -> None:
    def bones(text: str) -> list[str]:
        return list(prose.skeleton(text))

    chinese = 'flowchart LR\n  %% 註解\n  a["初始化"] --> b(調用)\n  a -->|成功| c{結束？}\n'
    english = 'flowchart LR\n  a["Init"] --> b(Invoke)\n  a -->|ok| c{The end?}\n'
    assert bones(chinese) == bones(english)
    assert bones(chinese) != bones(english.replace("a -->|", "b -->|"))
    assert bones("A->>B: 你好") == bones("A->>B: hello")
    assert bones("A->>B: x") != bones("A-->>B: x")
    assert bones("participant A as 甲") == bones("participant A as First")
    assert bones("title 標題") == bones("title A title")


@given(st.text(max_size=80))
def test_nothing_makes_it_fall(text: str) -> None:
    prose.read(text)
    prose.html(text)
    prose.plain(text)
    list(prose.skeleton(text))
