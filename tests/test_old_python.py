"""A Python that is too old gets a sentence, not a syntax error."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lambdalab

START = "import sys; sys.version_info = {version}; sys.argv = {argv}\nimport lambdalab\n"


def run(version: tuple[int, ...], argv: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", START.format(version=version, argv=argv)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_as_a_program_it_ends_with_a_sentence() -> None:
    done = run((3, 10, 4), ["-m"])
    assert done.returncode == 1
    assert "needs Python 3.11 or newer, and this is Python 3.10" in done.stderr
    assert "請改用較新的 Python" in done.stderr
    assert "Traceback" not in done.stderr


def test_as_a_package_it_cannot_be_imported() -> None:
    done = run((3, 9, 0), ["notebook"])
    assert "ImportError: lambdalab needs Python 3.11 or newer" in done.stderr


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 14, 0)])
def test_newer_ones_are_welcome(version: tuple[int, ...]) -> None:
    assert run(version, ["-m"]).returncode == 0


def test_old_parsers_understand_the_file_that_says_so() -> None:
    text = Path(lambdalab.__file__).read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 7))
    assert "from __future__" not in text
