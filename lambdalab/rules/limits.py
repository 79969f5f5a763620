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
