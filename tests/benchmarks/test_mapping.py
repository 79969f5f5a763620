"""The benchmark of polled queues measures what it says."""

from __future__ import annotations

import pytest

from benchmarks.mapping import main, measure


def test_rounds_of_messages_give_a_rate() -> None:
    rates = measure(messages=40, rounds=2)
    assert len(rates) == 2
    assert all(rate > 0 for rate in rates)


def test_at_least_a_batch(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--messages", "3"])
    assert "at least one round" in capsys.readouterr().err
