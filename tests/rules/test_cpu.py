"""vCPUs by memory."""

from __future__ import annotations

import pytest

from lambdalab.rules.cpu import vcpus


@pytest.mark.parametrize(
    ("memory", "expected"), [(1769, 1.0), (128, 0.07236), (3538, 2.0), (10_240, 5.7886)]
)
def test_in_proportion_to_memory(memory: int, expected: float) -> None:
    assert vcpus(memory) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("memory", [0, 127, 10_241])
def test_no_function_has_it(memory: int) -> None:
    with pytest.raises(ValueError, match="128 to 10,240 MB"):
        vcpus(memory)
