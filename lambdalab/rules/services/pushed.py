"""Services that hand the event to Lambda's queue and go on."""

from __future__ import annotations

from lambdalab.rules import limits
from lambdalab.rules.invoking import Keeper, Label, Mode, Permission, Repeat, Service, label
from lambdalab.rules.source import Fact, Source

__all__ = [
    "ASYNC",
    "CUSTOM_RESOURCE_TIMEOUT",
    "RULE_ATTEMPTS",
    "RULE_HOURS",
    "SNS_ATTEMPTS",
    "SNS_DAYS",
]

_SNS = Source("https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html")
_RULE = Source("https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html")

SNS_ATTEMPTS: Fact[int] = Fact(
    100_015,
    "",
    label("SNS 遞送給 Lambda 的總嘗試次數", "attempts of SNS to deliver to Lambda"),
    _SNS,
)
SNS_DAYS: Fact[int] = Fact(
    23,
    "days",
    label("SNS 遞送給 Lambda 的嘗試期間", "time over which SNS tries to deliver to Lambda"),
    _SNS,
)
RULE_ATTEMPTS: Fact[int] = Fact(
    185,
    "",
    label(
        "EventBridge 與 Scheduler 遞送的重試次數（預設）",
        "retries of EventBridge and Scheduler to deliver, by default",
    ),
    _RULE,
)
RULE_HOURS: Fact[int] = Fact(
    24,
    "h",
    label(
        "EventBridge 與 Scheduler 遞送的重試期間（預設）",
        "time over which EventBridge and Scheduler try to deliver, by default",
    ),
    _RULE,
)
CUSTOM_RESOURCE_TIMEOUT: Fact[int] = Fact(
    3600,
    "s",
    label(
        "CloudFormation 自訂資源的等待上限（預設）",
        "how long CloudFormation waits for a custom resource, by default",
    ),
    Source("https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html"),
)

_FIRST, _SECOND = limits.ASYNC_RETRY_FIRST.value // 60, limits.ASYNC_RETRY_SECOND.value // 60
_LONGEST = limits.ASYNC_BACKOFF_MAX.value // 60
_HOURS = limits.ASYNC_AGE_MAX.value // 3600

_LAMBDA_RETRIES = label(
    f"Lambda 的佇列再試 {limits.ASYNC_RETRIES.value} 次：{_FIRST} 分鐘後、再 {_SECOND} 分鐘後。",
    f"Lambda's queue, {limits.ASYNC_RETRIES.value} more times: after {_FIRST} min, and"
    f" {_SECOND} min after that.",
)
_LAMBDA_BACKS_OFF = label(
    f"Lambda 的佇列：等 {limits.ASYNC_BACKOFF_MIN.value} 秒，之後每次加倍，最長 {_LONGEST} 分鐘，"
    f"直到事件滿 {_HOURS} 小時。",
    f"Lambda's queue: after {limits.ASYNC_BACKOFF_MIN.value} s, then twice as long each time, at"
    f" most {_LONGEST} min, until the event is {_HOURS} h old.",
)


def _async(
    name: str,
    title: str | Label,
    page: str,
    *,
    caller: Label,
    grants: tuple[str, ...],
    note: Label,
    waits: Label | None = None,
    patience: Fact[int] | None = None,
    permission: Permission = Permission.RESOURCE,
) -> Service:
    return Service(
        id=name,
        name=title if not isinstance(title, str) else label(title, title),
        mode=Mode.ASYNC,
        caller=caller,
        waits=waits
        or label("沒有人，交出事件就走了", "nobody: it hands the event over and goes on"),
        patience=patience,
        repeats=Repeat.QUEUE,
        retry_error=_LAMBDA_RETRIES,
        retry_throttle=_LAMBDA_BACKS_OFF,
        error_to=label(
            "沒有人，只留在日誌、指標與失敗時目的地",
            "nobody: it is in the log, the metrics and the on-failure destination only",
        ),
        error_as=label("（聽不到）", "(not told)"),
        keepers=(Keeper.DESTINATION,),
        permission=permission,
        grants=grants,
        payload=(limits.PAYLOAD_ASYNC,),
        note=note,
        source=Source(page),
    )


ASYNC: tuple[Service, ...] = (
    _async(
        "s3",
        "S3",
        "dg:with-s3",
        caller=label("S3 儲存貯體", "S3 bucket"),
        grants=("s3.amazonaws.com",),
        note=label(
            "函數若把結果寫回同一個儲存貯體，會觸發自己。換一個貯體，或用前綴隔開。",
            "A function that writes back to the same bucket triggers itself. Use another bucket,"
            " or another prefix.",
        ),
    ),
    _async(
        "sns",
        "SNS",
        "dg:with-sns",
        caller=label("SNS 主題", "SNS topic"),
        grants=("sns.amazonaws.com",),
        note=label(
            f"兩層重試：交不到 Lambda 時，SNS 試 {SNS_ATTEMPTS.value:,} 次、長達 {SNS_DAYS.value}"
            " 天；交到之後的函數錯誤，SNS 不知道。",
            f"Two layers: SNS tries {SNS_ATTEMPTS.value:,} times over {SNS_DAYS.value} days to hand"
            " the event to Lambda; of a function error after that it knows nothing.",
        ),
    ),
    _async(
        "eventbridge",
        "EventBridge",
        _RULE.page,
        caller=label("EventBridge 規則", "EventBridge rule"),
        grants=("events.amazonaws.com",),
        note=label(
            f"兩層重試：交不到 Lambda 時，規則重試 {RULE_ATTEMPTS.value} 次、{RULE_HOURS.value}"
            " 小時，之後進規則自己的 DLQ。那個 DLQ 收不到函數錯誤。",
            f"Two layers: the rule retries {RULE_ATTEMPTS.value} times over {RULE_HOURS.value} h to"
            " hand the event over, then uses its own DLQ. Function errors never get into that one.",
        ),
    ),
    _async(
        "scheduler",
        "EventBridge Scheduler",
        "dg:with-eventbridge-scheduler",
        caller=label("排程", "schedule"),
        permission=Permission.IDENTITY,
        grants=("lambda:InvokeFunction",),
        note=label(
            "跟 EventBridge 規則不同：許可在排程自己的角色上，不在函數的政策裡。",
            "Unlike an EventBridge rule, a schedule has a role of its own: the permission is there"
            " and not in the function's policy.",
        ),
    ),
    _async(
        "logs",
        "CloudWatch Logs",
        "dg:services-cloudwatchlogs",
        caller=label("日誌訂閱", "log subscription"),
        grants=("logs.amazonaws.com",),
        note=label(
            "事件是 base64 再 gzip 的日誌。別訂閱這個函數自己的日誌群組，會無限循環。",
            "The event is the log, gzipped, in base64. Subscribe a function to its own log group"
            " and it never stops.",
        ),
    ),
    _async(
        "cloudformation",
        label("CloudFormation 自訂資源", "CloudFormation custom resource"),
        "dg:services-cloudformation",
        caller=label("CloudFormation", "CloudFormation"),
        waits=label(
            "調用沒有人等，但整個堆疊在等：等函數把結果 PUT 到事件裡的網址",
            "nobody waits for the invocation, yet the stack waits for the function to PUT its"
            " result to the URL in the event",
        ),
        patience=CUSTOM_RESOURCE_TIMEOUT,
        permission=Permission.IDENTITY,
        grants=("lambda:InvokeFunction",),
        note=label(
            "舊筆記把它列為同步。它是非同步：函數一丟例外就沒人回報，堆疊會卡到逾時。",
            "Old notes call it synchronous. It is not: when the function raises, nobody reports"
            " back, and the stack hangs until its timeout.",
        ),
    ),
    _async(
        "ses",
        "SES",
        "https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda.html",
        caller=label("SES 收信規則", "SES receipt rule"),
        grants=("ses.amazonaws.com",),
        note=label(
            "事件裡沒有信的內文，內文要先用 S3 動作存下來。收信規則也能選擇同步調用。",
            "The event does not hold the mail's body; an S3 action has to keep that first. A"
            " receipt rule can also be told to invoke synchronously.",
        ),
    ),
    _async(
        "codecommit",
        "CodeCommit",
        "dg:services-codecommit",
        caller=label("CodeCommit 儲存庫", "CodeCommit repository"),
        grants=("codecommit.amazonaws.com",),
        note=label(
            "事件只說哪個分支動了，提交內容要自己去問。",
            "The event says which branch moved. What was committed is for the function to ask.",
        ),
    ),
    _async(
        "config",
        "AWS Config",
        "dg:services-config",
        caller=label("Config 規則", "Config rule"),
        grants=("config.amazonaws.com",),
        note=label(
            "結論要由函數呼叫 PutEvaluations 送回去；回傳值沒有人看。",
            "The function reports its verdict with PutEvaluations; nobody reads its return value.",
        ),
    ),
    _async(
        "iot",
        "IoT Core",
        "https://docs.aws.amazon.com/iot/latest/developerguide/lambda-rule-action.html",
        caller=label("IoT 規則", "IoT rule"),
        grants=("iot.amazonaws.com",),
        note=label(
            "裝置只知道訊息交給 IoT 了，不知道函數做了什麼。",
            "A device knows that IoT took its message, and nothing of what the function did.",
        ),
    ),
    _async(
        "codepipeline",
        "CodePipeline",
        "https://docs.aws.amazon.com/codepipeline/latest/userguide/"
        "actions-invoke-lambda-function.html",
        caller=label("CodePipeline", "CodePipeline"),
        waits=label(
            "調用沒有人等，但管線的這個動作在等：等函數呼叫 PutJobSuccessResult",
            "nobody waits for the invocation, yet the pipeline's action waits for the function to"
            " call PutJobSuccessResult",
        ),
        permission=Permission.IDENTITY,
        grants=("lambda:InvokeFunction",),
        note=label(
            "忘了回報，或函數先丟例外，管線就停在這個動作直到逾時。",
            "Forget to report, or raise before it, and the pipeline stands at this action until"
            " its timeout.",
        ),
    ),
)
