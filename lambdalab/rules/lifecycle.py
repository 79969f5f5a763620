"""How an execution environment lives: init, invoke, freeze, shutdown."""

from __future__ import annotations

from enum import StrEnum
from math import ceil

from lambdalab.rules.source import Fact, Source

_PAGE = Source("dg:lambda-runtime-environment")
_RUNTIME_API = Source("dg:runtimes-extensions-api")


class State(StrEnum):
    """What an execution environment is doing."""

    INIT = "init"
    INVOKE = "invoke"
    FROZEN = "frozen"
    SHUTDOWN = "shutdown"
    TERMINATED = "terminated"


class Initialization(StrEnum):
    """How an environment came to be (``AWS_LAMBDA_INITIALIZATION_TYPE``)."""

    ON_DEMAND = "on-demand"
    PROVISIONED = "provisioned-concurrency"


class ShutdownReason(StrEnum):
    """Why a Shutdown event is sent to extensions (the API's own three words)."""

    SPINDOWN = "spindown"
    TIMEOUT = "timeout"
    FAILURE = "failure"


INIT_ORDER: tuple[str, ...] = ("extension", "runtime", "function")
"""Init runs in this order: extension init, runtime init, function init."""

SHUTDOWN_ORDER: tuple[str, ...] = ("runtime", "extension")
"""Shutdown runs in this order: first the runtime, then the extensions."""

INIT_TIMEOUT: Fact[int] = Fact(
    10, "s", {"zh-TW": "初始化階段上限", "en": "longest init phase"}, _PAGE
)
INIT_TIMEOUT_PROVISIONED: Fact[int] = Fact(
    130,
    "s",
    {
        "zh-TW": "佈建並行的初始化上限（逾時設定較長時取逾時）",
        "en": "longest init of provisioned concurrency, or the timeout if that is longer",
    },
    _PAGE,
)
SHUTDOWN_NO_EXTENSION: Fact[int] = Fact(
    0, "ms", {"zh-TW": "關閉階段（無擴充功能）", "en": "shutdown, no extension"}, _RUNTIME_API
)
SHUTDOWN_INTERNAL: Fact[int] = Fact(
    500,
    "ms",
    {"zh-TW": "關閉階段（內部擴充功能）", "en": "shutdown, internal extension"},
    _RUNTIME_API,
)
SHUTDOWN_EXTERNAL: Fact[int] = Fact(
    2_000,
    "ms",
    {"zh-TW": "關閉階段（外部擴充功能）", "en": "shutdown, external extensions"},
    _RUNTIME_API,
)
IDLE_LIFETIME: Fact[int] = Fact(
    600,
    "s",
    {
        "zh-TW": "閒置壽命（本課程的假設，AWS 未公布）",
        "en": "idle lifetime (this course's assumption; AWS publishes none)",
    },
    None,
)
BILLING_STEP: Fact[int] = Fact(
    1,
    "ms",
    {"zh-TW": "計費單位", "en": "billing step"},
    Source("https://aws.amazon.com/lambda/pricing/"),
)


def init_limit_s(kind: Initialization, timeout_s: int) -> int:
    """Return how long the init phase may last, in s (:data:`_PAGE`).

    Parameters
    ----------
    kind
        On-demand, or ahead of requests.
    timeout_s
        The function's own timeout.
    """
    if kind is Initialization.PROVISIONED:
        return max(INIT_TIMEOUT_PROVISIONED.value, timeout_s)
    return INIT_TIMEOUT.value


def shutdown_limit_ms(*, internal: bool, external: bool) -> int:
    """Return how long the Shutdown phase may last, in ms, before SIGKILL.

    Parameters
    ----------
    internal, external
        Whether an extension of that kind is registered.
    """
    if external:
        return SHUTDOWN_EXTERNAL.value
    return SHUTDOWN_INTERNAL.value if internal else SHUTDOWN_NO_EXTENSION.value


def billed_ms(duration_ms: float, init_ms: float = 0.0) -> int:
    """Return the billed duration, in ms, rounded up to the billing step.

    Since 2025-08-01 the init phase of an on-demand function is billed as well
    (https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/).
    """
    return max(BILLING_STEP.value, ceil(round(duration_ms + init_ms, 3)))
