"""Quotas of Lambda, each with its unit, its page and a label in both languages."""

from __future__ import annotations

from typing import TypeVar

from lambdalab.rules.source import Fact, Source

T = TypeVar("T", int, float)

_QUOTAS = Source("dg:gettingstarted-limits")
_FUNCTION = Source("botocore:CreateFunction")
_MEMORY = Source("dg:configuration-memory")


def _fact(value: T, unit: str, zh: str, en: str, source: Source | None) -> Fact[T]:
    return Fact(value, unit, {"zh-TW": zh, "en": en}, source)


MEMORY_MIN = _fact(128, "MB", "記憶體下限", "least memory", _FUNCTION)
MEMORY_MAX = _fact(10_240, "MB", "記憶體上限", "most memory", _QUOTAS)
MEMORY_DEFAULT = _fact(128, "MB", "記憶體預設值", "default memory", _FUNCTION)
VCPU_MEMORY = _fact(
    1_769, "MB", "相當於 1 個 vCPU 的記憶體", "memory that comes with 1 vCPU", _MEMORY
)
VCPU_MAX = _fact(6, "vCPU", "vCPU 上限", "most vCPUs", _MEMORY)
TIMEOUT_DEFAULT = _fact(3, "s", "逾時預設值", "default timeout", _FUNCTION)
TIMEOUT_MAX = _fact(900, "s", "逾時上限", "longest timeout", _QUOTAS)
EPHEMERAL_MIN = _fact(
    512, "MB", "暫時性儲存下限與預設值", "least and default ephemeral storage", _FUNCTION
)
EPHEMERAL_MAX = _fact(10_240, "MB", "暫時性儲存上限", "most ephemeral storage", _FUNCTION)
PAYLOAD_SYNC = _fact(6 * 1024 * 1024, "bytes", "同步調用承載上限", "synchronous payload", _QUOTAS)
PAYLOAD_ASYNC = _fact(
    1024 * 1024, "bytes", "非同步調用承載上限", "asynchronous payload", Source("botocore:Invoke")
)
ENVIRONMENT_VARIABLES = _fact(
    4 * 1024, "bytes", "環境變數總量", "environment variables in total", _QUOTAS
)
LAYERS = _fact(5, "", "每個函數的層數", "layers of a function", _QUOTAS)
RESOURCE_POLICY = _fact(
    20 * 1024, "bytes", "以資源為基礎的政策上限", "resource-based policy of a function", _QUOTAS
)
ZIP_DIRECT = _fact(
    50 * 1024 * 1024, "bytes", "直接上傳的 zip", "zip file uploaded directly", _QUOTAS
)
ZIP_UNPACKED = _fact(
    250 * 1024 * 1024, "bytes", "解壓縮後的程式碼與層", "code and layers, unzipped", _QUOTAS
)
FILE_DESCRIPTORS = _fact(1024, "", "檔案描述符", "file descriptors", _QUOTAS)
PROCESSES = _fact(1024, "", "程序與執行緒", "processes and threads", _QUOTAS)
CONCURRENCY = _fact(
    1000,
    "environments",
    "帳戶並行配額",
    "concurrency of an account",
    Source("dg:lambda-concurrency"),
)
UNRESERVED_MIN = _fact(
    100,
    "environments",
    "必須保留的未預留並行",
    "concurrency that must stay unreserved",
    Source("botocore:PutFunctionConcurrency"),
)
LOG_TAIL = _fact(
    4 * 1024,
    "bytes",
    "LogType=Tail 的日誌",
    "log that LogType=Tail returns",
    Source("botocore:Invoke"),
)
ASYNC_RETRIES = _fact(
    2,
    "",
    "非同步調用的重試次數",
    "retries of an asynchronous invocation",
    Source("dg:invocation-async-error-handling"),
)

# -- asynchronous invocation ------------------------------------------------------------------

_ASYNC_ERRORS = Source("dg:invocation-async-error-handling")
_ASYNC_RECORDS = Source("dg:invocation-async-retain-records")
_ASYNC_CONFIG = Source("botocore:PutFunctionEventInvokeConfig")

ASYNC_RETRY_FIRST = _fact(
    60, "s", "函數錯誤後第 1 次重試前的等待", "wait before the 1st retry of an error", _ASYNC_ERRORS
)
ASYNC_RETRY_SECOND = _fact(
    120,
    "s",
    "函數錯誤後第 2 次重試前的等待",
    "wait before the 2nd retry of an error",
    _ASYNC_ERRORS,
)
ASYNC_BACKOFF_MIN = _fact(
    1, "s", "限流與系統錯誤的最短退避", "shortest backoff after a throttle", _ASYNC_ERRORS
)
ASYNC_BACKOFF_MAX = _fact(
    300, "s", "限流與系統錯誤的最長退避", "longest backoff after a throttle", _ASYNC_ERRORS
)
ASYNC_AGE_MIN = _fact(60, "s", "事件存留時間下限", "least maximum age of an event", _ASYNC_CONFIG)
ASYNC_AGE_MAX = _fact(
    21_600,
    "s",
    "事件存留時間上限與預設值",
    "most and default maximum age of an event",
    _ASYNC_CONFIG,
)
DEAD_LETTER_MESSAGE = _fact(
    1024,
    "bytes",
    "DLQ 的 ErrorMessage 長度上限",
    "error message in a dead letter",
    _ASYNC_RECORDS,
)
MESSAGE_SQS = _fact(
    1024 * 1024,
    "bytes",
    "SQS 訊息上限",
    "message of SQS",
    Source(
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"
    ),
)
MESSAGE_SNS = _fact(256 * 1024, "bytes", "SNS 訊息上限", "message of SNS", _ASYNC_RECORDS)
MESSAGE_EVENTS = _fact(
    1024 * 1024,
    "bytes",
    "EventBridge 事件上限",
    "event of EventBridge",
    Source(
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size"
    ),
)
RECURSION = _fact(
    16,
    "",
    "同一串請求中可調用同一函數的次數",
    "invocations of a function in one chain of requests",
    Source("dg:invocation-recursion"),
)
