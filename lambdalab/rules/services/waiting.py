"""Services that wait for the function's answer."""

from __future__ import annotations

from typing import Any

from lambdalab.rules import limits
from lambdalab.rules.invoking import Keeper, Label, Mode, Permission, Repeat, Service, label
from lambdalab.rules.source import Fact, Source

__all__ = [
    "ALB_BODY",
    "API_GATEWAY_TIMEOUT",
    "BOTO3_ATTEMPTS",
    "COGNITO_ATTEMPTS",
    "COGNITO_PATIENCE",
    "EDGE_BODY_ORIGIN",
    "EDGE_BODY_VIEWER",
    "EDGE_TIMEOUT_ORIGIN",
    "EDGE_TIMEOUT_VIEWER",
    "STATE_SIZE",
    "SYNC",
]

_API_GATEWAY = Source("https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html")
_ALB = Source(
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html"
)
_EDGE = Source(
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
    "edge-functions-restrictions.html"
)
_COGNITO = Source(
    "https://docs.aws.amazon.com/cognito/latest/developerguide/"
    "cognito-user-pools-working-with-lambda-triggers.html"
)
_STATES = Source("https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html")

API_GATEWAY_TIMEOUT: Fact[int] = Fact(
    29,
    "s",
    label("API Gateway 預設的整合逾時", "default integration timeout of API Gateway"),
    _API_GATEWAY,
)
ALB_BODY: Fact[int] = Fact(
    1024 * 1024,
    "bytes",
    label("ALB 的請求本文與回應 JSON", "request body, and response JSON, behind an ALB"),
    _ALB,
)
EDGE_TIMEOUT_VIEWER: Fact[int] = Fact(
    5, "s", label("Lambda@Edge 檢視者觸發的逾時", "timeout of a viewer trigger at the edge"), _EDGE
)
EDGE_TIMEOUT_ORIGIN: Fact[int] = Fact(
    30, "s", label("Lambda@Edge 來源觸發的逾時", "timeout of an origin trigger at the edge"), _EDGE
)
EDGE_BODY_VIEWER: Fact[int] = Fact(
    40 * 1024,
    "bytes",
    label("Lambda@Edge 檢視者觸發的本文", "body in a viewer trigger at the edge"),
    _EDGE,
)
EDGE_BODY_ORIGIN: Fact[int] = Fact(
    1024 * 1024,
    "bytes",
    label("Lambda@Edge 來源觸發的本文", "body in an origin trigger at the edge"),
    _EDGE,
)
COGNITO_PATIENCE: Fact[int] = Fact(
    5, "s", label("Cognito 等函數回應的上限", "how long Cognito waits for a trigger"), _COGNITO
)
COGNITO_ATTEMPTS: Fact[int] = Fact(
    3, "", label("Cognito 總共嘗試的次數", "attempts that Cognito makes in total"), _COGNITO
)
STATE_SIZE: Fact[int] = Fact(
    256 * 1024,
    "bytes",
    label("Step Functions 一個狀態的輸入或輸出", "input or output of a state of Step Functions"),
    Source("https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"),
)
BOTO3_ATTEMPTS: Fact[int] = Fact(
    5,
    "",
    label("boto3 預設的總嘗試次數", "attempts of boto3 in total, by default"),
    Source("https://boto3.amazonaws.com/v1/documentation/api/latest/guide/retries.html"),
)

_NEVER = label(
    "Lambda 不重試；這個服務也不重試。要不要再來一次，由最前面的用戶端決定。",
    "Lambda does not, and the service does not either. The client in front decides.",
)
_NEVER_429 = label(
    "Lambda 把 429 直接丟回去，不排隊。服務把它變成錯誤，交給用戶端。",
    "Lambda hands the 429 back and queues nothing. The service makes an error of it.",
)


def _sync(
    name: str,
    title: str | Label,
    source: Source,
    *,
    caller: Label,
    waits: Label,
    error_to: Label,
    error_as: str | Label,
    grants: tuple[str, ...],
    note: Label,
    permission: Permission = Permission.RESOURCE,
    patience: Fact[int] | None = None,
    retry_error: Label = _NEVER,
    retry_throttle: Label = _NEVER_429,
    payload: tuple[Fact[Any], ...] = (),
) -> Service:
    return Service(
        id=name,
        name=title if not isinstance(title, str) else label(title, title),
        mode=Mode.SYNC,
        caller=caller,
        waits=waits,
        patience=patience,
        repeats=Repeat.CALLER,
        retry_error=retry_error,
        retry_throttle=retry_throttle,
        error_to=error_to,
        error_as=error_as if not isinstance(error_as, str) else label(error_as, error_as),
        keepers=(Keeper.CALLER,),
        permission=permission,
        grants=grants,
        payload=(*payload, limits.PAYLOAD_SYNC),
        note=note,
        source=source,
    )


SYNC: tuple[Service, ...] = (
    _sync(
        "invoke",
        label("直接 Invoke", "Invoke (SDK, CLI)"),
        Source("dg:invocation-sync"),
        caller=label("你的程式", "your program"),
        waits=label("呼叫 invoke 的那一行程式", "the line of code that called invoke"),
        patience=limits.TIMEOUT_MAX,
        retry_error=label(
            "沒有人。HTTP 是 200，SDK 看不出失敗，所以也不會重試。",
            "Nobody. The HTTP status is 200, so the SDK sees no failure to repeat.",
        ),
        retry_throttle=label(
            f"SDK 自己會：boto3 預設總共試 {BOTO3_ATTEMPTS.value} 次，之後才丟出例外。",
            f"The SDK: boto3 tries {BOTO3_ATTEMPTS.value} times in total, then raises.",
        ),
        error_to=label("你的程式，在回應裡", "your program, in the response"),
        error_as="200 + FunctionError",
        permission=Permission.IDENTITY,
        grants=("lambda:InvokeFunction",),
        note=label(
            "函數錯誤仍是 HTTP 200。沒看 FunctionError 的程式，會把失敗當成功。",
            "A function error is still HTTP 200. Code that does not look at FunctionError takes"
            " a failure for a success.",
        ),
    ),
    _sync(
        "api-gateway",
        "API Gateway",
        Source("dg:services-apigateway"),
        caller=label("API Gateway", "API Gateway"),
        waits=label("HTTP 用戶端，連線開著等", "the HTTP client, with its connection open"),
        patience=API_GATEWAY_TIMEOUT,
        error_to=label("HTTP 用戶端", "the HTTP client"),
        error_as="502",
        grants=("apigateway.amazonaws.com",),
        note=label(
            "API Gateway 先逾時，函數卻還在跑：用戶端看到錯誤，工作可能照樣做完。",
            "API Gateway gives up first and the function runs on: the client sees an error, and"
            " the work may be done all the same.",
        ),
    ),
    _sync(
        "function-url",
        label("函數 URL", "Function URL"),
        Source("dg:urls-auth"),
        caller=label("HTTP 用戶端", "HTTP client"),
        waits=label("HTTP 用戶端，連線開著等", "the HTTP client, with its connection open"),
        patience=limits.TIMEOUT_MAX,
        retry_error=label(
            "Lambda 不重試。要不要再來一次，由用戶端決定。",
            "Lambda does not. The client decides.",
        ),
        retry_throttle=label(
            "Lambda 回 429，不排隊。由用戶端決定。",
            "Lambda answers 429 and queues nothing. The client decides.",
        ),
        error_to=label("HTTP 用戶端", "the HTTP client"),
        error_as="502",
        grants=("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"),
        note=label(
            "AuthType 是 NONE 時，政策仍要允許所有人，否則是 403。2025 年 10 月以後新建的 URL"
            " 兩個動作都要允許，舊範例只寫一個。",
            "With AuthType NONE the policy must still allow everybody, or it is a 403. URLs made"
            " since October 2025 need both actions; older examples have one.",
        ),
    ),
    _sync(
        "alb",
        "ALB",
        _ALB,
        caller=label("ALB", "ALB"),
        waits=label("HTTP 用戶端，連線開著等", "the HTTP client, with its connection open"),
        error_to=label("HTTP 用戶端", "the HTTP client"),
        error_as="502",
        grants=("elasticloadbalancing.amazonaws.com",),
        payload=(ALB_BODY,),
        note=label(
            "回應格式不對也是 502，跟函數丟出例外分不出來：先看函數的日誌。",
            "A malformed answer is a 502 too and looks like an exception: read the function's"
            " log first.",
        ),
    ),
    _sync(
        "cloudfront",
        "CloudFront (Lambda@Edge)",
        _EDGE,
        caller=label("CloudFront", "CloudFront"),
        waits=label("瀏覽器，在節點位置等", "the browser, at the edge location"),
        patience=EDGE_TIMEOUT_ORIGIN,
        error_to=label("瀏覽器", "the browser"),
        error_as="5xx",
        permission=Permission.IDENTITY,
        grants=("lambda:GetFunction", "lambda:EnableReplication*"),
        payload=(EDGE_BODY_VIEWER, EDGE_BODY_ORIGIN),
        note=label(
            f"檢視者觸發只等 {EDGE_TIMEOUT_VIEWER.value} 秒。日誌在靠近使用者的區域，"
            "不一定在 us-east-1。",
            f"A viewer trigger waits {EDGE_TIMEOUT_VIEWER.value} s only. The log is in the Region"
            " near the user, which need not be us-east-1.",
        ),
    ),
    _sync(
        "cognito",
        "Cognito",
        _COGNITO,
        caller=label("Cognito", "Cognito"),
        waits=label("正在登入或註冊的使用者", "the user who signs in or up"),
        patience=COGNITO_PATIENCE,
        retry_error=label(
            f"Lambda 不重試。Cognito 等不到回應時會再呼叫，總共最多 {COGNITO_ATTEMPTS.value} 次。",
            "Lambda does not. Cognito calls again when no answer comes in time, at most"
            f" {COGNITO_ATTEMPTS.value} times in total.",
        ),
        error_to=label("使用者：登入或註冊失敗", "the user: sign-in or sign-up fails"),
        error_as=label("登入失敗", "sign-in fails"),
        grants=("cognito-idp.amazonaws.com",),
        note=label(
            "Cognito 等的時間比函數的逾時短：逾時設得再長也沒用，而且一個使用者可能讓函數"
            "跑好幾次。",
            "Cognito waits for less time than a function may run: a longer timeout is of no use,"
            " and one user can make the function run several times.",
        ),
    ),
    _sync(
        "lex",
        "Lex",
        Source("https://docs.aws.amazon.com/lexv2/latest/dg/lambda.html"),
        caller=label("Lex", "Lex"),
        waits=label("正在對話的人", "the person in the conversation"),
        error_to=label("聊天程式：這一輪對話失敗", "the chat program: this turn fails"),
        error_as=label("對話失敗", "the turn fails"),
        grants=("lexv2.amazonaws.com",),
        note=label(
            "有人在等下一句話。要花時間的工作放進佇列，先回一句話。",
            "Somebody waits for the next sentence. Put slow work into a queue and answer first.",
        ),
    ),
    _sync(
        "alexa",
        "Alexa",
        Source("dg:services-alexa"),
        caller=label("Alexa", "Alexa"),
        waits=label("對著喇叭說話的人", "the person who talks to the speaker"),
        error_to=label("使用者：聽到一句抱歉", "the user, who hears an apology"),
        error_as=label("一句抱歉", "an apology"),
        grants=("alexa-appkit.amazon.com",),
        note=label(
            "主體是 alexa-appkit.amazon.com，不是 amazonaws.com；條件用技能 ID。",
            "The principal is alexa-appkit.amazon.com, not amazonaws.com; the condition is the"
            " skill's id.",
        ),
    ),
    _sync(
        "step-functions",
        "Step Functions",
        _STATES,
        caller=label("狀態機", "state machine"),
        waits=label("狀態機的這個狀態", "this state of the state machine"),
        patience=limits.TIMEOUT_MAX,
        retry_error=label(
            "Lambda 不重試。狀態的 Retry 寫了才會，次數與間隔由它決定。",
            "Lambda does not. The state's Retry does, if there is one, as often as it says.",
        ),
        retry_throttle=label(
            "Lambda 不重試。狀態的 Retry 有列出 Lambda.TooManyRequestsException 才會。",
            "Lambda does not. The state's Retry does if it names Lambda.TooManyRequestsException.",
        ),
        error_to=label("狀態機：Catch，否則整個執行失敗", "the state machine: Catch, or it fails"),
        error_as="States.TaskFailed",
        permission=Permission.IDENTITY,
        grants=("lambda:InvokeFunction",),
        payload=(STATE_SIZE,),
        note=label(
            "這是 request-response。設定 InvocationType 為 Event 就變成非同步，狀態立刻往下走。",
            "This is request-response. With InvocationType Event it becomes asynchronous, and the"
            " state goes on at once.",
        ),
    ),
)
