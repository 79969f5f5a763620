"""Settings worth looking at, by name; their words are in ``locale/*/concurrency.toml``."""

from __future__ import annotations

from collections.abc import Mapping

from lambdalab.rules.concurrency import SCALING_BURST
from lambdalab.widgets.concurrency_setting import Setting

__all__ = ["PRESETS"]

PRESETS: Mapping[str, Setting] = {
    # The two examples everybody starts with: 500 and 50.
    "five-seconds": Setting(rate=100.0, duration=5.0),
    "half-second": Setting(rate=100.0, duration=0.5),
    # Three times what may start at once, every minute, into an empty account.
    "burst": Setting(
        rate=20.0,
        arrivals="burst",
        burst_size=3 * SCALING_BURST.value,
        burst_every=60.0,
        duration_kind="constant",
        duration=2.0,
        init=1.0,
        account=5 * SCALING_BURST.value,
        requests=40_000,
        warmup=0,
    ),
    "spillover-unreserved": Setting(rate=100.0, duration=1.0, provisioned=90),
    "spillover-reserved": Setting(rate=100.0, duration=1.0, provisioned=90, reserved=110),
    "noisy-neighbour": Setting(
        rate=50.0,
        duration=1.0,
        other_rate=480.0,
        other_duration=2.0,
    ),
    "neighbour-reserved": Setting(
        rate=50.0,
        duration=1.0,
        reserved=80,
        other_rate=480.0,
        other_duration=2.0,
    ),
    "seldom": Setting(rate=0.05, duration=0.2, init=1.0, idle=60.0, requests=5_000, warmup=500),
}
