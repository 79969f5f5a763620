"""A small lab with every kind of task, built as the real ones are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdalab.course import builder
from lambdalab.grading.labs import Course

LESSON = """\
---
number: 1
slug: demo
minutes: 5
title:
  zh-TW: 示範
  en: Demo
---

+++ {"id": "question", "lang": "zh-TW"}

一個示範。

+++ {"id": "question", "lang": "en"}

A demo.
"""

LAB = """\
---
number: 1
slug: demo
minutes: 5
title:
  zh-TW: 示範
  en: Demo
---

+++ {"id": "start", "lang": "zh-TW"}

開始。

+++ {"id": "start", "lang": "en"}

Begin.

```{code-cell} ipython3
:id: setup
:tags: [setup]

import json

import boto3

from lambdalab.grading import open_lab
from lambdalab.packaging import deployment_package
from lambdalab.sandbox import Sandbox

box = Sandbox.start()
check = open_lab("lab01").check
lambda_client = boto3.client("lambda")
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
iam = boto3.client("iam")
iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))
role = iam.get_role(RoleName="r")["Role"]["Arn"]
CODE = {"app.py": "def handler(event, context):\\n    return event\\n"}
```

```{code-cell} ipython3
:id: task-1-answer
:tags: [answer]

cold_starts = None
### BEGIN SOLUTION
cold_starts = 1
### END SOLUTION
```

```{code-cell} ipython3
:id: play
:tags: [free]

1 / 0
```

```{code-cell} ipython3
:id: task-2-answer
:tags: [answer]

### BEGIN SOLUTION
lambda_client.create_function(
    FunctionName="hello",
    Runtime="python3.11",
    Handler="app.handler",
    Role=role,
    Code={"ZipFile": deployment_package(CODE)},
    MemorySize=256,
)
### END SOLUTION
```

```{code-cell} ipython3
:id: task-3-answer
:tags: [answer]

def double(number):
    \"\"\"Return twice the number.\"\"\"
    ### BEGIN SOLUTION
    return 2 * number
    ### END SOLUTION
```
"""

HINT = """
[[task.hint]]
zh-TW = "第一個提示"
en = "Hint one"

[[task.hint]]
zh-TW = "第二個提示"
en = "Hint two"

[[task.hint]]
zh-TW = "第三個提示"
en = "Hint three"
"""
TOML = f"""\
timeout = 20
check_timeout = 5

[[task]]
id = "task-1"
points = 30
answer_cells = ["task-1-answer"]
outputs = ["cold_starts"]
title.zh-TW = "數冷啟動"
title.en = "Count cold starts"
{HINT}
[[task]]
id = "task-2"
points = 40
answer_cells = ["task-2-answer"]
title.zh-TW = "建立函數"
title.en = "Create a function"
{HINT}
[[task]]
id = "task-3"
points = 30
answer_cells = ["task-3-answer"]
title.zh-TW = "兩倍"
title.en = "Double"
{HINT}
[[task.function]]
name = "double"
inputs = [[2], [3]]
"""

CHECKS = """\
from lambdalab.grading import Verdict, World, incorrect, not_attempted, passed


def check_task_1(world: World) -> Verdict:
    if world.outputs.get("cold_starts") is None:
        return not_attempted()
    if world.outputs["cold_starts"] == 1:
        return passed()
    return incorrect({"zh-TW": "不是 1。", "en": "Not `1`."})


def check_task_2(world: World) -> Verdict:
    found = world.function("hello")
    if found is None:
        return not_attempted()
    if world.invoke("hello", {"a": 1}).value != {"a": 1}:
        return incorrect({"zh-TW": "回傳值不對。", "en": "It returns something else."})
    if found["MemorySize"] != 256:
        return incorrect({"zh-TW": "記憶體不對。", "en": "Wrong memory."}, score=0.5)
    return passed({"zh-TW": "做得好。", "en": "It echoes."})


def check_task_3(world: World) -> Verdict:
    wrong = [one for one in world.calls("double") if one.value != 2 * one.arguments[0]]
    if wrong:
        seen = wrong[0].error or wrong[0].value
        return incorrect({"zh-TW": f"得到 {seen}。", "en": f"Got {seen}."})
    return passed()
"""
HIDDEN = """\
from lambdalab.grading import Verdict, World, incorrect, passed

INPUTS = {"task-3": {"double": [[0], [-7], [10]]}}


def check_task_3(world: World) -> Verdict:
    results = world.calls("double")
    assert [one.arguments for one in results] == [[0], [-7], [10]]
    right = sum(one.value == 2 * one.arguments[0] for one in results)
    if right == len(results):
        return passed()
    return incorrect({"zh-TW": "隱藏。", "en": "Hidden."}, score=right / len(results))
"""
SOLUTIONS = {
    "task-1-answer": "cold_starts = 1",
    "task-2-answer": """\
lambda_client.create_function(
    FunctionName="hello", Runtime="python3.11", Handler="app.handler", Role=role,
    Code={"ZipFile": deployment_package(CODE)}, MemorySize=256,
)""",
    "task-3-answer": "def double(number):\n    return 2 * number",
}


@dataclass(frozen=True)
class DemoLab:
    """The lab's course, and notebooks to hand in."""

    course: Course
    root: Path

    def starter(self, lang: str = "en") -> dict[str, Any]:
        data: dict[str, Any] = json.loads((self.root / f"labs/{lang}/01_demo.ipynb").read_bytes())
        return data

    def solution(self, lang: str = "en") -> Path:
        return self.root / f"solutions/{lang}/01_demo.ipynb"

    def hand_in(
        self,
        path: Path,
        answers: Mapping[str, str] | None = None,
        *,
        lang: str = "en",
        change: Callable[[dict[str, Any]], object] | None = None,
    ) -> Path:
        """Write a submission with some answers; the other cells stay as handed out."""
        data = self.starter(lang)
        for cell in data["cells"]:
            if answers and cell["id"] in answers:
                cell["source"] = answers[cell["id"]]
        if change:
            change(data)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data), encoding="utf-8")
        return path


def make_lab(root: Path) -> DemoLab:
    """Build the lab under a folder."""
    content = root / "lambdalab/course/content"
    files = {"lesson.md": LESSON, "lab.md": LAB, "lab.toml": TOML, "checks.py": CHECKS}
    (content / "01_demo").mkdir(parents=True)
    for name, text in files.items():
        (content / "01_demo" / name).write_text(text, encoding="utf-8")
    built = builder.build(builder.read_sources(content))
    builder.write(root, built, builder.drift(root, built))
    hidden = root / "solutions/hidden"
    hidden.mkdir()
    (hidden / "lab01.py").write_text(HIDDEN, encoding="utf-8")
    return DemoLab(Course(content, root, hidden), root)


def copy_lab(lab: DemoLab, root: Path) -> DemoLab:
    """Copy a lab, to change it."""
    shutil.copytree(lab.root, root)
    return DemoLab(Course(root / "lambdalab/course/content", root, root / "solutions/hidden"), root)
