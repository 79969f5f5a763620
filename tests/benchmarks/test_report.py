from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.report import BEGIN, END, markdown, replace_block, table
from benchmarks.result import Result, read, write
from benchmarks.targets import judge


def test_table() -> None:
    assert table(["a", "b"], [["x|y", "1"]]) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 |"


def test_the_table_says_median_spread_and_ratio(result: Result) -> None:
    lines = markdown(result, whole=False).splitlines()
    assert (
        lines[0]
        == "| one invoke, ms | lambdalab 0.1.0 | ministack 1.2.3 | serverless-offline 13.0.0 |"
    )
    assert lines[2] == (
        "| cold | **10.0 (10.0–20.0)** | 200 (200–400): 20× | 41.0 (41.0–82.0): 4.1× |"
    )
    assert "| warm | **1.00 (1.00–1.00)** | 14.0 (14.0–14.0): 14× | 1.50 (1.50–1.50): 1.50× |" in (
        lines
    )


def test_sentences(result: Result) -> None:
    text = markdown(result, whole=False)
    assert "10,000 invokes over 10 clients at once: no errors, 500 a second" in text
    assert "half of them within 50.0 ms, 99 % within 99.0 ms" in text
    assert "The sandbox answers 600 ms after its start" in text
    assert "2026-01-02 with 2 cores and Python 3.11.7 by `make bench`." in text
    assert "target" not in text


def test_a_run_with_precedence_says_so(result: Result) -> None:
    hasty = dataclasses.replace(result, machine=result.machine | {"Priority": "real-time"})
    assert "`make bench`; priority: real-time." in markdown(hasty, whole=False)


def test_the_whole_report_has_targets_and_versions(result: Result) -> None:
    text = markdown(result, whole=True)
    assert "| warm, plain handler, against ministack | ≥ 15× | 14.0× | **missed** |" in text
    assert "| ministack | 1.2.3 |" in text


def test_without_peers_there_is_one_column_and_the_reason(result: Result) -> None:
    alone = dataclasses.replace(
        result,
        samples={"lambdalab": result.samples["lambdalab"]},
        load=None,
        absent={"ministack": "ministack is not installed"},
    )
    text = markdown(alone, whole=True)
    assert text.startswith("| one invoke, ms | lambdalab 0.1.0 |\n")
    assert "ministack did not take part: ministack is not installed." in text
    assert not [verdict for verdict in judge(alone) if "against" in verdict.what]


def test_targets(result: Result) -> None:
    missed = {verdict.what for verdict in judge(result) if not verdict.met}
    assert missed == {
        "warm, plain handler, against ministack",
        "warm, boto3 handler, against ministack",
    }
    assert result.load is not None
    faulty = dataclasses.replace(
        result,
        load=dataclasses.replace(result.load, errors=1),
        ready_ms=[1500.0],
        import_ms=[100.0],
    )
    missed = {verdict.what for verdict in judge(faulty) if not verdict.met} - missed
    assert missed == {
        "errors in 10,000 invokes over 10 clients",
        "sandbox ready",
        "import lambdalab.sandbox",
    }


def test_a_result_comes_back_from_its_file(result: Result, tmp_path: Path) -> None:
    path = tmp_path / "new" / "result.json"
    write(result, path)
    assert read(path) == result


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1}', '{"schema": 99}'])
def test_a_file_that_is_no_result(text: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(BenchmarkError, match=r"result\.json"):
        read(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="cannot be read"):
        read(tmp_path / "none.json")


def test_only_the_block_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    replace_block(path, "new")
    replace_block(path, "newer")
    assert path.read_text() == f"before\n{BEGIN}\nnewer\n{END}\nafter\n"


@pytest.mark.parametrize(
    "text", ["none", BEGIN, END, f"{END}\n{BEGIN}", f"{BEGIN}\n{END}\n{BEGIN}\n{END}"]
)
def test_a_file_without_one_block_is_left_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(text)
    with pytest.raises(BenchmarkError, match="needs one line"):
        replace_block(path, "new")
    assert path.read_text() == text


@pytest.mark.parametrize("name", ["README.md", "docs/benchmarks.md"])
def test_the_documents_have_a_place_for_it(name: str) -> None:
    text = (Path(__file__).parents[2] / name).read_text()
    assert text.count(BEGIN) == text.count(END) == 1
