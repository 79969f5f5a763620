"""A tiny course: one lesson with questions, one lab with two tasks, in both languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from lambdalab.course import bank, builder, catalogue, folder
from lambdalab.course.tasks import LabTask

LESSON = """\
---
number: 1
slug: lifecycle
minutes: 45
title:
  zh-TW: 執行環境的生命週期
  en: The life of an execution environment
---

+++ {"id": "question", "lang": "zh-TW"}

## 問題

連續調用 `hello` 5 次，每次 10 秒。會有幾次冷啟動？

+++ {"id": "question", "lang": "en"}

## The question

You invoke `hello` 5 times, ten seconds each. How many cold starts?

```{code-cell} ipython3
:id: ask-cold
:tags: [setup]

from lambdalab.course import ask, reveal

ask("01-cold-starts")
```

```{code-cell} ipython3
:id: reveal-cold

reveal("01-cold-starts", happened=1)
```

+++ {"id": "picture", "lang": "zh-TW"}

```mermaid
flowchart LR
  a["初始化"] --> b["調用"]
```

+++ {"id": "picture", "lang": "en"}

```mermaid
flowchart LR
  a["Init"] --> b["Invoke"]
```

```{code-cell} ipython3
:id: quiz

ask("01-limit")
```
"""

QUESTIONS = """\
[[question]]
id = "01-cold-starts"
kind = "prediction"
prompt.zh-TW = "會有幾次**冷啟動**？"
prompt.en = "How many **cold starts**?"
explanation.zh-TW = "只有第一次調用需要初始化。"
explanation.en = "Only the first invocation needs init."

[[question.choice]]
id = "one"
right = true
zh-TW = "1 次"
en = "1"

[[question.choice]]
id = "five"
zh-TW = "5 次"
en = "5"

[[question]]
id = "01-limit"
kind = "quiz"
prompt.zh-TW = "初始化最多幾秒？"
prompt.en = "How long may init take?"
explanation.zh-TW = "限制是 10 秒。"
explanation.en = "The limit is 10 seconds."

[question.number]
right = 10
min = 0
max = 900
unit.zh-TW = "秒"
unit.en = "s"
otherwise.zh-TW = "不對，再想一次。"
otherwise.en = "No, think again."

[[question.number.wrong]]
value = 3
why.zh-TW = "3 秒是預設的函數逾時。"
why.en = "3 seconds is the default function timeout."
"""

LAB = """\
---
number: 1
slug: lifecycle
minutes: 60
title:
  zh-TW: 生命週期
  en: Life cycle
---

```{code-cell} ipython3
:id: setup
:tags: [setup]

def check(task):
    assert double(2) == 4
```

+++ {"id": "task-1-text", "lang": "zh-TW"}

## 任務 1

請寫 `double`。

+++ {"id": "task-1-text", "lang": "en"}

## Task 1

Write `double`.

```{code-cell} ipython3
:id: task-1-answer
:tags: [answer]

def double(x):
    \"\"\"Return twice x.\"\"\"
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION
```

+++ {"id": "why-1", "lang": "zh-TW", "solution": true}

乘法就夠了。

+++ {"id": "why-1", "lang": "en", "solution": true}

Multiplying is enough.

```{code-cell} ipython3
:id: play
:tags: [free]

1 + 1
```
"""
LAB_TOML = """\
[[task]]
id = "task-1"
title.zh-TW = "兩倍"
title.en = "Double"
"""
TASKS = [LabTask("task-1", 40, ("task-1-answer",))]

NEXT = """\
---
number: 2
slug: roles
minutes: 30
title:
  zh-TW: 角色
  en: Roles
---

+++ {"id": "start", "lang": "zh-TW"}

開始。

+++ {"id": "start", "lang": "en"}

Begin.
"""


@dataclass(frozen=True)
class Course:
    """A clone's tree with a tiny course in it."""

    root: Path

    @property
    def content(self) -> Path:
        return self.root / "lambdalab" / "course" / "content"

    def change(self, name: str, edit: Callable[[str], str]) -> Path:
        """Change a source file of lesson 01."""
        path = self.content / "01_lifecycle" / name
        path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
        return path

    def sources(self, tasks: Sequence[LabTask] = TASKS) -> builder.Sources:
        return builder.read_sources(self.content, tasks=lambda _: tasks)

    def build(self) -> Mapping[Path, bytes]:
        return builder.build(self.sources())

    def write(self) -> None:
        files = self.build()
        builder.write(self.root, files, builder.drift(self.root, files))


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """Return a tiny course that builds without a complaint."""
    made = Course(tmp_path / "clone")
    files = {
        "01_lifecycle": {
            "lesson.md": LESSON,
            "questions.toml": QUESTIONS,
            "lab.md": LAB,
            "lab.toml": LAB_TOML,
        },
        "02_roles": {"lesson.md": NEXT},
    }
    for stem, texts in files.items():
        (made.content / stem).mkdir(parents=True)
        for name, text in texts.items():
            (made.content / stem / name).write_text(text, encoding="utf-8")
    return made


_built: dict[Path, bytes] = {}
"""The tiny course as it is before a test changes it: built once, for that takes a while."""


@pytest.fixture
def installed(course: Course, monkeypatch: pytest.MonkeyPatch) -> Course:
    """Have the tiny course, built, take the place of the real one in this process."""
    if not _built:
        _built.update(course.build())
    builder.write(course.root, _built, builder.drift(course.root, _built))
    monkeypatch.setattr(catalogue, "course_root", lambda: course.root)
    monkeypatch.setattr(catalogue, "clone_root", lambda: course.root)
    monkeypatch.setattr(bank, "content_folder", lambda: course.content)
    return course


@pytest.fixture
def workspace(clean_environment: Path) -> Path:
    """Return a course folder, empty but for its mark, that this test is in."""
    (clean_environment / folder.STATE).mkdir()
    return clean_environment
