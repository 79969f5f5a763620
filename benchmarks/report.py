"""The Markdown of a run: for the terminal, the README and docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Figure, percentile, ratio, summary
from benchmarks.machine import ORDINARY
from benchmarks.result import Load, Result, Samples
from benchmarks.targets import Verdict, judge

__all__ = ["BEGIN", "COMMAND", "END", "markdown", "replace_block", "table"]

BEGIN = "<!-- benchmarks:begin -->"
END = "<!-- benchmarks:end -->"
COMMAND = "make bench"

_MEASURES = {
    "cold plain": "cold",
    "cold boto3": "cold, handler makes a boto3 client",
    "warm plain": "warm",
    "warm boto3": "warm, handler made a boto3 client",
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first are numbers."""
    lines = [_row(head), _row(["---", *["---:"] * (len(head) - 1)])]
    lines += [_row(row) for row in rows]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def markdown(result: Result, *, whole: bool) -> str:
    """Return a run as Markdown; ``whole`` adds the targets, the machine and the versions."""
    parts = [_durations(result), *_sentences(result)]
    if whole:
        parts += [_targets(judge(result)), _surroundings(result)]
    return "\n\n".join(parts)


def _durations(result: Result) -> str:
    names = [name for name in CONTENDERS if name in result.samples]
    head = [
        "one invoke, ms",
        *(f"{name} {result.versions.get(name, '')}".strip() for name in names),
    ]
    ours = result.samples[OURS]
    rows = [
        [label, *(_cell(name, result.samples[name], ours, measure) for name in names)]
        for measure, label in _MEASURES.items()
        if measure in ours
    ]
    return table(head, rows)


def _cell(name: str, samples: Samples, ours: Samples, measure: str) -> str:
    text = _spread(summary([one for part in samples[measure] for one in part]))
    if name == OURS:
        return f"**{text}**"
    return f"{text}: {_times(ratio(samples[measure], ours[measure]).median)}"


def _spread(figure: Figure) -> str:
    return f"{_short(figure.median)} ({_short(figure.low)}–{_short(figure.high)})"


def _short(number: float) -> str:
    if number >= 100:
        return f"{number:.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def _times(number: float) -> str:
    if number < 2:
        return f"{number:.2f}×"
    return f"{number:.1f}×" if number < 10 else f"{number:.0f}×"


def _sentences(result: Result) -> list[str]:
    said = [
        "Medians (least–greatest) of what the caller's boto3 client sees; × says how many times "
        "longer than lambdalab, as the median over the rounds."
    ]
    if result.load is not None:
        said.append(_load(result.load))
    started = []
    if result.ready_ms:
        started.append(
            f"The sandbox answers {summary(result.ready_ms).median:.0f} ms after its start"
        )
    if result.import_ms:
        took = summary(result.import_ms).median
        started.append(f"`from lambdalab.sandbox import Sandbox` takes {took:.0f} ms")
    if started:
        said.append("; ".join(started) + ".")
    said += [f"{name} did not take part: {why}." for name, why in result.absent.items()]
    machine = result.machine
    priority = machine.get("Priority", ORDINARY)
    how = "" if priority == ORDINARY else f"; priority: {priority}"
    said.append(
        f"Measured on {result.begun[:10]} with {machine['Cores']} cores and Python "
        f"{machine['Python']} by `{COMMAND}`{how}."
    )
    return said


def _load(load: Load) -> str:
    text = (
        f"{load.invokes:,} invokes over {load.clients} clients at once: "
        f"{load.errors or 'no'} error{'' if load.errors == 1 else 's'}, "
        f"{load.invokes / load.seconds:,.0f} a second"
    )
    if load.samples:
        text += (
            f", half of them within {percentile(load.samples, 50):.1f} ms, "
            f"99 % within {percentile(load.samples, 99):.1f} ms"
        )
    return f"{text}."


def _targets(verdicts: list[Verdict]) -> str:
    rows = [
        [one.what, one.asked, one.found, "met" if one.met else "**missed**"] for one in verdicts
    ]
    return table(["target", "asked for", "found", ""], rows)


def _surroundings(result: Result) -> str:
    facts = [[name, text] for name, text in (result.machine | result.versions).items()]
    return table(["machine and versions", ""], facts)


def replace_block(path: Path, text: str) -> None:
    """Replace what stands between the two markers of a file.

    Raises
    ------
    BenchmarkError
        The file has no such place, or more than one.
    """
    try:
        old = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BenchmarkError(f"{path} cannot be read: {error.strerror}") from error
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in before + after:
        raise BenchmarkError(f"{path} needs one line {BEGIN} and, below it, one line {END}")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
