"""Small real runs, so that the benchmark works on the day it is needed."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from benchmarks import __main__ as command
from benchmarks import install
from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.contenders.base import lambda_client
from benchmarks.contenders.lambdalab import Lambdalab
from benchmarks.contenders.process import Server, free_ports
from benchmarks.errors import BenchmarkError
from benchmarks.measure import Plan, rounds
from benchmarks.measure import load as load_test
from benchmarks.result import Result, read
from benchmarks.run import install_peers


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Have results written, and peers looked for, below ``tmp_path``."""
    monkeypatch.setattr(command, "_RESULTS", tmp_path / "results")
    monkeypatch.setattr(install, "PYTHON", tmp_path / "bin" / "python")
    monkeypatch.setattr(install, "SERVERLESS", tmp_path / "a" / "b" / "c" / "serverless.js")
    return tmp_path / "results"


def test_a_run_of_lambdalab_alone(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--rounds=2", "--cold=1", "--warm=3", "--invokes=40", "--clients=4"]
    assert command.main(words) == 0
    said = capsys.readouterr()
    assert said.out.startswith("| one invoke, ms | lambdalab")
    assert "ministack is not installed: left out" in said.err
    (path,) = results.iterdir()
    result = read(path)
    ours = result.samples["lambdalab"]
    assert {name: [len(part) for part in parts] for name, parts in ours.items()} == {
        "cold plain": [1, 1],
        "warm plain": [3, 3],
        "cold boto3": [1, 1],
        "warm boto3": [3, 3],
    }
    assert min(ours["cold plain"])[0] > min(ours["warm plain"])[0] > 0
    assert result.load is not None
    assert (result.load.errors, len(result.load.samples)) == (0, 40)
    assert result.machine["Cores"] and result.versions["moto"]
    # What was written can be reported again, but it is no run for the documents.
    assert command.main(["--from", str(path)]) == 0
    assert command.main(["--from", str(path), "--write-docs"]) == 2
    assert "The documents keep their figures" in capsys.readouterr().err


class Stale(Lambdalab):
    """Hands out the same function again."""

    def fresh_function(self, kind: str) -> str:
        return self._known if hasattr(self, "_known") else self._keep(super().fresh_function(kind))

    def _keep(self, name: str) -> str:
        self._known = name
        return name

    def discard(self, name: str) -> None:
        """Keep it."""


def test_a_cold_start_that_is_none_and_errors_under_load_are_noticed(tmp_path: Path) -> None:
    one = Stale(tmp_path, 9)
    one.start()
    try:
        contenders: dict[str, Contender] = {"lambdalab": one}
        with pytest.raises(BenchmarkError, match="was to start cold, but it is its invocation 2"):
            rounds(contenders, Plan(rounds=1, cold=1, warm=1), lambda _: None)
        client = lambda_client(one.url)
        client.delete_function(FunctionName=one.fresh_function("plain"))
        client.close()
        found = load_test(one, 6, 2, lambda _: None)
        assert found.errors == 6
        assert "ResourceNotFound" in str(found.first_error)
    finally:
        one.stop()


def test_targets_missed_are_an_exit_status_only_if_asked_for(
    result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "read", lambda _path: result)
    assert command.main(["--from", "x"]) == 0
    assert command.main(["--from", "x", "--check"]) == 1


def test_documents_are_written(
    result: Result, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    document = tmp_path / "doc.md"
    document.write_text("<!-- benchmarks:begin -->\n<!-- benchmarks:end -->\n")
    monkeypatch.setattr(command, "read", lambda _path: result)
    monkeypatch.setattr(command, "_DOCUMENTS", {document: True})
    command.main(["--from", "x", "--write-docs"])
    assert "ministack 1.2.3" in document.read_text()


def test_more_load_than_is_allowed() -> None:
    for words in (["--invokes", "10001"], ["--clients", "11"], ["--rounds", "0"]):
        with pytest.raises(SystemExit):
            command.main(words)


def test_a_peer_that_cannot_be_installed_says_so(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/none/python")
    failed = install_peers(
        [name for name in CONTENDERS if name != "lambdalab"], Console(file=io.StringIO())
    )
    assert "ministack cannot be installed" in failed["ministack"]
    assert "there is no npm" in failed["serverless-offline"]


_FAMILY = """\
import socket, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(600)
"""


def test_a_server_ends_with_everything_it_started(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    server = Server(
        "family",
        [sys.executable, "-c", _FAMILY, str(port)],
        folder=tmp_path,
        variables={},
        port=port,
    )
    family = psutil.Process().children(recursive=True)
    assert len(family) >= 3
    server.stop()
    server.stop()
    assert not [process for process in family if process.is_running()]


def test_a_server_that_dies_shows_its_log(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"(?s)family did not come up.*no luck today"):
        Server(
            "family",
            [sys.executable, "-c", "print('no luck today')"],
            folder=tmp_path,
            variables={"MARK": str(os.getpid())},
            port=free_ports(1)[0],
        )
