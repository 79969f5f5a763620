"""What may not be imported for nothing: starting fast is a feature."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    "IPython",
    "anywidget",
    "awslambdaric",
    "boto3",
    "botocore",
    "flask",
    "ipywidgets",
    "jupyterlab",
    "jupytext",
    "mermaid",
    "moto",
    "nbclient",
    "nbformat",
    "nbgrader",
    "numpy",
    "pandas",
    "psutil",
    "rich",
    "traitlets",
    "werkzeug",
)


def _imported(statement: str) -> set[str]:
    source = f"{statement}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )
    return set(json.loads(ended.stdout.splitlines()[-1]))


def test_import_of_the_package_alone_brings_nearly_nothing() -> None:
    base = _imported("")
    brought = _imported("import lambdalab") - base
    assert {name for name in brought if name.split(".")[0] == "lambdalab"} == {"lambdalab"}
    assert len(brought) < 10, brought


@pytest.mark.parametrize(
    "statement",
    [
        "import lambdalab.cli",
        "from lambdalab.sandbox import Sandbox",
        "import lambdalab.commands.sandbox",
        "import lambdalab.sandbox.events, lambdalab.sandbox.credentials",
        "from lambdalab.packaging import deployment_package",
        "import lambdalab.rules.limits, lambdalab.rules.lifecycle, lambdalab.rules.logs",
    ],
)
def test_no_import_is_heavy(statement: str) -> None:
    brought = {name.split(".")[0] for name in _imported(statement)}
    assert not brought & set(HEAVY)


def test_rules_know_nothing_of_the_rest() -> None:
    import pkgutil

    import lambdalab.rules

    names = [
        module.name
        for module in pkgutil.walk_packages(lambdalab.rules.__path__, "lambdalab.rules.")
    ]
    brought = {name for name in _imported(f"import {', '.join(names)}") if "lambdalab" in name}
    assert brought == {"lambdalab", "lambdalab.rules", *names}


def test_engine_knows_nothing_of_moto() -> None:
    import pkgutil

    from lambdalab.sandbox import engine

    names = [
        f"lambdalab.sandbox.engine.{one.name}" for one in pkgutil.iter_modules(engine.__path__)
    ]
    brought = _imported(f"import {', '.join(names)}")
    assert not {name for name in brought if name.split(".")[0] in ("moto", "boto3", "IPython")}
