"""The entry point: which commands there are, what they say of themselves, how they end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lambdalab import __version__, cli
from lambdalab.errors import LambdalabError
from lambdalab.i18n import message, messages


def test_every_command_is_a_module_and_has_a_line() -> None:
    folder = Path(cli.__file__).parent / "commands"
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert modules == set(cli.COMMANDS)
    lines = {name for name in messages("cli", "en") if name.startswith("command.")}
    assert lines == {f"command.{name}" for name in cli.COMMANDS}


@pytest.mark.parametrize("lang", ["en", "zh-TW"])
@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_in_both_languages(
    clean_environment: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    lang: str,
    command: str,
) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", lang)
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    words = {"en": "usage: lambdalab", "zh-TW": "用法：lambdalab"}[lang]
    assert out.startswith(words)
    line = message(f"cli.command.{command}")
    assert line[1:20] in out.replace("\n", " ")


def test_general_help_lists_every_command(
    clean_environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    out = capsys.readouterr().out
    for name in cli.COMMANDS:
        assert f"\n    {name} " in out


@pytest.mark.parametrize("words", [[], ["begin"], ["doctor", "--nonsense"]])
def test_wrong_use_is_2(
    clean_environment: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert "usage: lambdalab" in capsys.readouterr().err


def test_an_error_for_a_person_is_one_line_and_1(
    clean_environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise LambdalabError("put it right")

    monkeypatch.setattr("lambdalab.commands.doctor.run", fail)
    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().err == "lambdalab doctor: put it right\n"


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (BrokenPipeError, 0)])
def test_other_ends(
    clean_environment: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
    code: int,
) -> None:
    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr("lambdalab.commands.doctor.run", fail)
    assert cli.main(["doctor"]) == code


def test_version_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lambdalab", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"lambdalab {__version__}\n"


def test_importing_is_quick_and_light() -> None:
    code = (
        "import time; began = time.process_time(); import lambdalab;"
        "took = time.process_time() - began; import sys, lambdalab.course.progress;"
        "print(took, *sorted({'IPython', 'ipywidgets', 'nbformat', 'boto3', 'moto'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, *heavy = done.stdout.split()
    assert float(seconds) < 0.1
    assert heavy == []
