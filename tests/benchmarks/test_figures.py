from __future__ import annotations

import pytest

from benchmarks.figures import Figure, percentile, ratio, summary


def test_summary() -> None:
    assert summary([3.0, 1.0, 8.0, 2.0]) == Figure(2.5, 1.0, 8.0)


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 50.0), (99, 99.0), (100, 100.0), (0.1, 1.0)]
)
def test_percentile_is_a_sample(percent: float, expected: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], percent) == expected


def test_percentile_of_one_sample() -> None:
    assert percentile([7.0], 99) == 7.0


def test_ratio_compares_each_round_with_itself() -> None:
    # In the second round the machine was ten times slower, for both.
    peer = [[10.0, 12.0, 11.0], [110.0], [12.0]]
    ours = [[1.0, 1.1, 9.0], [10.0], [1.0]]
    assert ratio(peer, ours) == Figure(11.0, 10.0, 12.0)


def test_ratio_needs_the_same_rounds() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio([[1.0], [1.0]], [[1.0]])
