"""Sources that Lambda reads itself: an event source mapping polls them."""

from __future__ import annotations

from lambdalab.rules import limits
from lambdalab.rules.invoking import Keeper, Label, Mode, Permission, Repeat, Service, label
from lambdalab.rules.mappings import read_actions
from lambdalab.rules.source import Source

__all__ = ["POLL"]

_NETWORK = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeVpcs",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
)
"""What the poller needs to reach a broker or a cluster inside a VPC."""

_UNTIL = label(
    "輪詢器拿同一批再試，直到成功、用完 MaximumRetryAttempts、超過 MaximumRecordAgeInSeconds，"
    "或記錄到期。預設沒有次數上限。",
    "The poller, with the same batch, until it succeeds, MaximumRetryAttempts or"
    " MaximumRecordAgeInSeconds is reached, or the records expire. By default without a limit.",
)
_UNTIL_429 = label(
    "輪詢器退避後拿同一批再試；後面的記錄一起等。",
    "The poller backs off and tries the same batch; what is behind it waits too.",
)


def _poll(
    name: str,
    title: str | Label,
    page: str,
    *,
    caller: Label,
    repeats: Repeat,
    retry_error: Label,
    retry_throttle: Label,
    keepers: tuple[Keeper, ...],
    grants: tuple[str, ...],
    note: Label,
) -> Service:
    return Service(
        id=name,
        name=title if not isinstance(title, str) else label(title, title),
        mode=Mode.POLL,
        caller=caller,
        waits=label(
            "Lambda 的輪詢器，它同步調用函數；放資料進來的人早就走了",
            "Lambda's poller, which invokes synchronously; whoever put the data in has gone on",
        ),
        patience=limits.TIMEOUT_MAX,
        repeats=repeats,
        retry_error=retry_error,
        retry_throttle=retry_throttle,
        error_to=label(
            "輪詢器；放資料的人不會知道", "the poller; whoever put the data in is not told"
        ),
        error_as=label("FunctionError", "FunctionError"),
        keepers=keepers,
        permission=Permission.EXECUTION,
        grants=grants,
        payload=(limits.PAYLOAD_SYNC,),
        note=note,
        source=Source(page),
    )


def _sharded(
    name: str, title: str, page: str, *, caller: Label, grants: tuple[str, ...], note: Label
) -> Service:
    """Return a source whose records are in order: a batch that fails blocks what is behind it."""
    return _poll(
        name,
        title,
        page,
        caller=caller,
        repeats=Repeat.SHARD,
        retry_error=_UNTIL,
        retry_throttle=_UNTIL_429,
        keepers=(Keeper.MAPPING,),
        grants=grants,
        note=note,
    )


POLL: tuple[Service, ...] = (
    _poll(
        "sqs",
        "SQS",
        "dg:services-sqs-errorhandling",
        caller=label("SQS 佇列", "SQS queue"),
        repeats=Repeat.VISIBILITY,
        retry_error=label(
            "佇列：沒刪掉的訊息在可見性逾時後重新出現，直到 maxReceiveCount 或保留期滿。",
            "The queue: what was not deleted is visible again after the visibility timeout, until"
            " maxReceiveCount or the end of retention.",
        ),
        retry_throttle=label(
            "佇列，跟函數錯誤一樣：接收次數照樣增加，光是限流就可能把訊息送進 DLQ。",
            "The queue, as after an error: the receive count grows too, so that throttling alone"
            " can send messages to the DLQ.",
        ),
        keepers=(Keeper.REDRIVE,),
        grants=read_actions("sqs"),
        note=label(
            "DLQ 設在佇列上，不是函數上。函數的 DLQ 與目的地對輪詢沒有作用。",
            "The DLQ belongs to the queue. The function's own DLQ and destinations do nothing for"
            " polled messages.",
        ),
    ),
    _sharded(
        "kinesis",
        "Kinesis Data Streams",
        "dg:with-kinesis",
        caller=label("Kinesis 分片", "Kinesis shard"),
        grants=read_actions("kinesis"),
        note=label(
            "一筆壞記錄擋住整個分片。看 IteratorAge；設上限、二分，或回報 batchItemFailures。",
            "One poison record blocks its shard. Watch IteratorAge; set limits, bisect, or report"
            " batchItemFailures.",
        ),
    ),
    _sharded(
        "dynamodb",
        "DynamoDB Streams",
        "dg:with-ddb",
        caller=label("DynamoDB 串流分片", "DynamoDB stream shard"),
        grants=read_actions("dynamodb"),
        note=label(
            "許可是串流的，不是資料表的：有 dynamodb:GetItem 也讀不到串流。",
            "The permission is for the stream and not for the table: dynamodb:GetItem does not"
            " read it.",
        ),
    ),
    _sharded(
        "msk",
        "MSK",
        "dg:with-msk",
        caller=label("MSK 分割區", "MSK partition"),
        grants=(
            "kafka:DescribeCluster",
            "kafka:DescribeClusterV2",
            "kafka:GetBootstrapBrokers",
            *_NETWORK,
        ),
        note=label(
            "輪詢器要進得了叢集所在的 VPC：讀不到資料時，先看安全群組與端點。",
            "The poller has to get into the cluster's VPC: when nothing arrives, look at security"
            " groups and endpoints first.",
        ),
    ),
    _sharded(
        "kafka",
        "Apache Kafka",
        "dg:with-kafka",
        caller=label("Kafka 分割區", "Kafka partition"),
        grants=("secretsmanager:GetSecretValue", *_NETWORK),
        note=label(
            "自行管理的叢集沒有 ARN：用位址清單指定，憑證放在 Secrets Manager。",
            "A self-managed cluster has no ARN: it is named by its addresses, with the credentials"
            " in Secrets Manager.",
        ),
    ),
    _poll(
        "mq",
        "Amazon MQ",
        "dg:with-mq",
        caller=label("MQ 代理程式", "MQ broker"),
        repeats=Repeat.BATCH,
        retry_error=label(
            "輪詢器拿整批再試，直到成功或訊息過期。",
            "The poller, with the whole batch, until it succeeds or the messages expire.",
        ),
        retry_throttle=label(
            "輪詢器退避後拿整批再試。", "The poller backs off and tries the whole batch again."
        ),
        keepers=(Keeper.NOBODY,),
        grants=("mq:DescribeBroker", "secretsmanager:GetSecretValue", *_NETWORK),
        note=label(
            "沒有部分失敗，也沒有失敗時目的地：一則壞訊息拖住整批。",
            "No partial batches and no on-failure destination: one bad message holds up the whole"
            " batch.",
        ),
    ),
    _poll(
        "documentdb",
        "DocumentDB",
        "dg:with-documentdb",
        caller=label("DocumentDB 變更串流", "DocumentDB change stream"),
        repeats=Repeat.BATCH,
        retry_error=label(
            "輪詢器拿整批再試，直到成功；事件過期時，映射會被停用。",
            "The poller, with the whole batch, until it succeeds; when the events expire, the"
            " mapping is disabled.",
        ),
        retry_throttle=label(
            "輪詢器退避後拿整批再試。", "The poller backs off and tries the whole batch again."
        ),
        keepers=(Keeper.NOBODY,),
        grants=(
            "rds:DescribeDBClusters",
            "rds:DescribeDBClusterParameters",
            "rds:DescribeDBSubnetGroups",
            "secretsmanager:GetSecretValue",
            *_NETWORK,
        ),
        note=label(
            "映射被停用之後不會自己恢復：要另建一個，並選擇起點。",
            "A mapping that was disabled does not come back by itself: make another one and choose"
            " where it starts.",
        ),
    ),
)
