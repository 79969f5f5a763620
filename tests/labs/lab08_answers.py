"""Answers to lab 08 as learners might write them, right and wrong, with what each is worth."""

from __future__ import annotations

from collections.abc import Mapping

from tests.labs.answer import Answer, function


def _wrong(cases: int, of: int) -> float:
    """Return what a hidden check of a function gives for so many wrong cases."""
    return max(0.0, 1 - 1.5 * cases / of)


# -- task 1: throttled --------------------------------------------------------------------

_PLACES = """
def throttled(arrivals, duration, limit):
    free_at = [float("-inf")] * limit
    refused = 0
    for now in arrivals:
        place = min(range(limit), key=free_at.__getitem__, default=None)
        if place is not None and free_at[place] <= now:
            free_at[place] = now + duration
        else:
            refused += 1
    return refused

needed = 34
"""
_QUEUE = """
import heapq

def throttled(arrivals, duration, limit):
    ends, refused = [], 0
    for now in arrivals:
        while ends and ends[0] <= now:
            heapq.heappop(ends)
        if len(ends) < limit:
            heapq.heappush(ends, now + duration)
        else:
            refused += 1
    return refused

needed = next(n for n in range(1000) if not throttled(sale, 1, n))
"""
_HELD = _QUEUE.replace(
    "else:\n            refused += 1",
    "else:\n            refused += 1\n            heapq.heappush(ends, now + duration)",
)
TASK_1 = [
    function("task-1", "a list of places", _PLACES),
    function("task-1", "a heap of ends", _QUEUE),
    function(
        "task-1",
        "those refused hold a place",
        _HELD,
        0.75 * 3 / 5 + 0.25,
        0.25 + 0.75 * _wrong(4, 8),
    ),
    function(
        "task-1",
        "busy to the end",
        _QUEUE.replace("ends[0] <= now", "ends[0] < now").replace("next(n for", "34 or next(n for"),
        0.75 * 2 / 5 + 0.25,
        0.25 + 0.75 * _wrong(4, 8),
    ),
    function(
        "task-1",
        "the average for the peak",
        _PLACES.replace("needed = 34", "needed = 6"),
        0.75,
    ),
    function("task-1", "nothing but the number", "needed = 34", 0.25, 0.25),
    function("task-1", "fails", "def throttled(*_):\n    return 1 / 0", 0, 0.25),
]

# -- task 2: spillover --------------------------------------------------------------------

_ORDER = """
def spillover(requests, provisioned, unreserved, reserved=None):
    counts = {"provisioned": min(requests, provisioned)}
    left = requests - counts["provisioned"]
    shared = unreserved if reserved is None else 0
    own = 0 if reserved is None else reserved - provisioned
    counts["reserved"], counts["unreserved"] = min(left, own), min(left, shared)
    counts["throttled"] = requests - sum(counts.values())
    return counts
"""
TASK_2 = [
    function("task-2", "one pool after the other", _ORDER),
    function(
        "task-2",
        "provisioned beside the reservation",
        _ORDER.replace("reserved - provisioned", "reserved"),
        4 / 5,
        _wrong(1, 8),
    ),
    function(
        "task-2",
        "reserved, then unreserved",
        _ORDER.replace("min(left, shared)", "min(left - min(left, max(own, 0)), unreserved)"),
        3 / 5,
        _wrong(2, 8),
    ),
    function(
        "task-2",
        "no reservation when it is 0",
        _ORDER.replace("reserved is None", "not reserved"),
        1,
        _wrong(1, 8),
    ),
    function(
        "task-2",
        "waits instead of refusing",
        _ORDER.replace("requests - sum(counts.values())", "0"),
        2 / 5,
        _wrong(5, 8),
    ),
    function("task-2", "says so in words", "def spillover(*_):\n    return 'full'", 0, 0),
]

# -- task 3: the noisy neighbour ----------------------------------------------------------

_FOUND = """
culprit = "reports"
reason = "ConcurrentInvocationLimitExceeded"
refused = 5
"""
_RESERVE = 'aws.put_function_concurrency(FunctionName="{}", ReservedConcurrentExecutions={})\n'


def _places(
    name: str,
    settings: Mapping[str, int],
    public: float = 1,
    hidden: float = 1,
    *,
    found: str = _FOUND,
) -> Answer:
    source = "".join(_RESERVE.format(*one) for one in settings.items()) or "print('nothing')"
    cells = {"task-3-answer": source}
    if found:
        cells["task-3-found"] = found
    return Answer(name, cells, public, hidden)


TASK_3 = [
    _places("just enough", {"checkout": 15}),
    _places("all there is", {"checkout": 20}),
    _places("more than it needs", {"checkout": 30}, 0.7),
    _places("caps the neighbour", {"reports": 20}, 0.4, 0.4),
    _places("caps the neighbour, too", {"checkout": 15, "reports": 5}, 0.7, 0.7),
    _places("more than there is", {"checkout": 80}, 0.4, 0.4),
    _places(
        "names the victim, and counts all that were refused",
        {"checkout": 15},
        1 - 0.8 / 3,
        found=_FOUND.replace('"reports"', '"checkout"').replace("5", "6"),
    ),
    _places("only names it", {}, 0.4, 0.4),
]

# -- task 4: provisioned and cold ---------------------------------------------------------

_POINT = """
aws.update_function_configuration(
    FunctionName="web", Environment={{"Variables": {{"PRICES": "{}"}}}}
)
"""


def _ahead(name: str, source: str, public: float = 1, hidden: float = 1) -> Answer:
    return Answer(name, {"task-4-answer": source}, public, hidden)


_LIVE = _POINT.format("prices:live")
TASK_4 = [
    _ahead("alias and amount", _LIVE + 'provision("prices", "live", 3)'),
    _ahead(
        "in the code of the page",
        'deploy("web", WEB.replace("Payload=", "Qualifier=\'live\', Payload="))\n'
        'provision("prices", "live", 4)',
    ),
    _ahead("the alias only", _LIVE, 0.5, 0.5),
    _ahead("the amount only", 'provision("prices", "live", 3)', 0, 0),
    _ahead("one too few", _LIVE + 'provision("prices", "live", 2)', 0.5, 0.5),
    _ahead("a lot of it", _LIVE + 'provision("prices", "live", 10)', 0, 0),
    _ahead(
        "a reservation instead",
        _LIVE + _RESERVE.format("prices", 5),
        0.5,
        0.5,
    ),
]

# -- task 5: the smallest reservation -----------------------------------------------------

_CEIL = """
import math

def reservation(rate, duration_ms):
    return max(math.ceil(rate * duration_ms / 1000), math.ceil(rate / 10))

ready_after_s = 35
"""
TASK_5 = [
    function("task-5", "rounded up", _CEIL),
    function(
        "task-5",
        "concurrency only",
        _CEIL.replace(", math.ceil(rate / 10)", ", 1"),
        0.6 * 3 / 5 + 0.4,
        0.4 + 0.6 * _wrong(2, 8),
    ),
    function(
        "task-5",
        "rounded down",
        _CEIL.replace("math.ceil", "int"),
        0.6 * 3 / 5 + 0.4,
        0.4 + 0.6 * _wrong(5, 8),
    ),
    function(
        "task-5",
        "seconds as floats",
        _CEIL.replace("rate * duration_ms / 1000", "rate * (duration_ms / 1000)"),
        1,
        0.4 + 0.6 * _wrong(1, 8),
    ),
    function("task-5", "waits for all", _CEIL.replace("= 35", "= 45"), 0.6),
]

# -- task 6: the cheapest amount ----------------------------------------------------------

_PRICES = """
held = pricing.PROVISIONED_HELD["x86_64"].value
used = pricing.PROVISIONED_USED["x86_64"].value
spot = pricing.COMPUTE["x86_64"][0].usd

def cost(hours, memory_mb, provisioned):
    total = 0
    for busy in hours:
        ahead = min(busy, provisioned)
        total += provisioned * held + ahead * used + (busy - ahead) * spot
    return total * 3600 * 30 * memory_mb / 1024

def cheapest(hours, memory_mb):
    best = 0
    for count in range(max(hours) + 1):
        if cost(hours, memory_mb, count) < cost(hours, memory_mb, best):
            best = count
    return best
"""
_COST = _PRICES.partition("def cheapest")[0]
TASK_6 = [
    function("task-6", "hour by hour", _PRICES),
    function(
        "task-6",
        "by the share of the time",
        _COST + "def cheapest(hours, _):\n"
        "    return sum(sum(h > n for h in hours) > 0.6 * len(hours) for n in range(max(hours)))\n",
    ),
    function(
        "task-6",
        "held replaces used",
        _PRICES.replace(" + ahead * used", ""),
        1 / 3,
        (_wrong(4, 6) + _wrong(3, 6)) / 2,
    ),
    function(
        "task-6",
        "1,000 MB to the GB",
        _PRICES.replace("/ 1024", "/ 1000"),
        0.5,
        (_wrong(5, 6) + 1) / 2,
    ),
    function(
        "task-6",
        "the peak",
        _COST + "def cheapest(hours, _):\n    return max(hours)\n",
        0.5 + 0.5 * 1 / 3,
        (1 + _wrong(3, 6)) / 2,
    ),
    function(
        "task-6",
        "only the cost",
        _COST,
        0.5,
        0.5,
    ),
]

ANSWERS: Mapping[str, list[Answer]] = {
    "task-1": TASK_1,
    "task-2": TASK_2,
    "task-3": TASK_3,
    "task-4": TASK_4,
    "task-5": TASK_5,
    "task-6": TASK_6,
}
