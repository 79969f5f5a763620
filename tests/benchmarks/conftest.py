"""A made-up result: figures that are easy to compute by hand."""

from __future__ import annotations

import pytest

from benchmarks.result import Load, Result, Samples


def samples(cold: float, warm: float) -> Samples:
    return {
        "cold plain": [[cold, cold, cold * 2], [cold]],
        "cold boto3": [[cold * 3], [cold * 3]],
        "warm plain": [[warm], [warm, warm]],
        "warm boto3": [[warm], [warm]],
    }


@pytest.fixture
def result() -> Result:
    return Result(
        begun="2026-01-02T03:04:05+00:00",
        machine={"Cores": "2", "Python": "3.11.7"},
        versions={"lambdalab": "0.1.0", "ministack": "1.2.3", "serverless-offline": "13.0.0"},
        samples={
            "lambdalab": samples(10.0, 1.0),
            "ministack": samples(200.0, 14.0),
            "serverless-offline": samples(41.0, 1.5),
        },
        load=Load(
            invokes=10_000,
            clients=10,
            errors=0,
            first_error=None,
            seconds=20.0,
            samples=[float(number) for number in range(1, 101)],
        ),
        ready_ms=[600.0, 500.0, 700.0],
        import_ms=[90.0],
    )
