"""The rulebook for the concurrency lab's view: numbers, AWS's words, pages, prices.

The view decides nothing by itself. It compares with these numbers and shows these words, and
a test holds what it says against :func:`problems` and the simulator.
"""

from __future__ import annotations

from math import inf
from typing import Any

from lambdalab.rules import concurrency, limits, pricing
from lambdalab.rules.lifecycle import BILLING_STEP
from lambdalab.rules.source import Source
from lambdalab.sim.outcomes import CAUSES, Cause, reason
from lambdalab.widgets.concurrency_setting import ALIAS, Setting

__all__ = ["prices_for_view", "problems", "rules_for_view"]

_STAND_IN = 987_654_321
"""A number that the API's words are asked with, to find its place in them."""


def problems(setting: Setting) -> dict[str, str]:
    """Return the API's own words for what AWS would refuse, by the field it stands in."""
    found: dict[str, str | None] = {}
    others = (setting.other_reserved or 0) if setting.has_other else 0
    own = setting.reserved or 0
    if setting.reserved is not None:
        found["reserved"] = concurrency.reserved_problem(
            setting.reserved, account=setting.account, others=others
        )
    if setting.other_reserved is not None:
        found["other_reserved"] = concurrency.reserved_problem(
            setting.other_reserved, account=setting.account, others=own
        )
    if setting.provisioned:
        found["provisioned"] = concurrency.provisioned_problem(
            setting.provisioned,
            ALIAS,
            reserved=setting.reserved,
            others=0,
            available=setting.account - others - limits.UNRESERVED_MIN.value,
        )
    return {field: said for field, said in found.items() if said is not None}


def _words() -> dict[str, str]:
    """Return the API's sentences, with ``{available}`` where it puts that number."""

    def provisioned(reserved: int | None) -> str:
        said = concurrency.provisioned_problem(
            _STAND_IN + 1, ALIAS, reserved=reserved, others=0, available=_STAND_IN
        )
        return (said or "").replace(str(_STAND_IN), "{available}")

    return {
        "reserved": concurrency.reserved_problem(1, account=0, others=0) or "",
        "provisionedReserved": provisioned(1),
        "provisionedAccount": provisioned(None),
    }


def _page(source: Source | None) -> dict[str, str]:
    assert source is not None  # noqa: S101 - each of these facts has its page
    return {"url": source.url, "read": source.read.isoformat()}


def rules_for_view() -> dict[str, Any]:
    """Return what the loop, the fields and the explanations need, as JSON-ready data."""
    pages = {
        Cause.CONCURRENCY: concurrency.SOURCE,
        Cause.SCALING: concurrency.SCALING_BURST.source,
        Cause.RATE: concurrency.RATE_PER_CONCURRENCY.source,
    }
    return {
        "scalingBurst": concurrency.SCALING_BURST.value,
        "scalingWindow": concurrency.SCALING_WINDOW.value,
        "ratePerConcurrency": concurrency.RATE_PER_CONCURRENCY.value,
        "unreservedMin": limits.UNRESERVED_MIN.value,
        "memoryMin": limits.MEMORY_MIN.value,
        "memoryMax": limits.MEMORY_MAX.value,
        "longest": limits.TIMEOUT_MAX.value,
        "words": _words(),
        "reasons": {
            cause.value: {
                "reserved": reason(cause, reserved=True).value,
                "unreserved": reason(cause, reserved=False).value,
            }
            for cause in CAUSES
        },
        "pages": {cause.value: _page(page) for cause, page in pages.items()},
    }


def prices_for_view() -> dict[str, Any]:
    """Return the prices (USD), their page and the day they were read, as JSON-ready data."""
    return {
        "requests": pricing.REQUESTS.value,
        "freeRequests": pricing.FREE_REQUESTS.value,
        "freeCompute": pricing.FREE_COMPUTE.value,
        "billingStep": BILLING_STEP.value,
        "architectures": {
            name: {
                "tiers": [
                    {"upTo": None if tier.up_to == inf else tier.up_to, "usd": tier.usd}
                    for tier in tiers
                ],
                "held": pricing.PROVISIONED_HELD[name].value,
                "used": pricing.PROVISIONED_USED[name].value,
            }
            for name, tiers in pricing.COMPUTE.items()
        },
        **_page(pricing.REQUESTS.source),
    }
