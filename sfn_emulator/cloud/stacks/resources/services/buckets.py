"""S3: buckets with all their settings, and their policies."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from sfn_emulator.cloud.stacks.resources.fitting import text
from sfn_emulator.cloud.stacks.resources.kind import PHYSICAL, Hands, Kind, Made, Properties, Standing, deleting

_S3: Final = "s3"
_HOME: Final = "us-east-1"


class _Setting(NamedTuple):
    """The operations that set a property of a bucket and remove it (``None``: it is removed by setting it empty)."""

    operation: str
    parameter: str
    shape: Callable[[Any], Any]
    removal: str | None


def _as_it_is(value: Any) -> Any:
    return value


def _notifications(told: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, target, key in (
        ("LambdaConfigurations", "LambdaFunctionConfigurations", "Function"),
        ("QueueConfigurations", "QueueConfigurations", "Queue"),
        ("TopicConfigurations", "TopicConfigurations", "Topic"),
    ):
        arn = {"Function": "LambdaFunctionArn", "Queue": "QueueArn", "Topic": "TopicArn"}[key]
        rows = [{arn: row[key], "Events": [row["Event"]], **_filter(row)} for row in told.get(name) or ()]
        if rows:
            made[target] = rows
    if (told.get("EventBridgeConfiguration") or {}).get("EventBridgeEnabled", "EventBridgeConfiguration" in told):
        made["EventBridgeConfiguration"] = {}
    return made


def _filter(row: Mapping[str, Any]) -> dict[str, Any]:
    rules = ((row.get("Filter") or {}).get("S3Key") or {}).get("Rules") or []
    return {"Filter": {"Key": {"FilterRules": list(rules)}}} if rules else {}


def _encryption(told: Mapping[str, Any]) -> dict[str, Any]:
    rules = []
    for rule in told["ServerSideEncryptionConfiguration"]:
        made = {key: value for key, value in rule.items() if key == "BucketKeyEnabled"}
        default = rule.get("ServerSideEncryptionByDefault")
        rules.append({**made, **({"ApplyServerSideEncryptionByDefault": default} if default else {})})
    return {"Rules": rules}


def _cors(told: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "AllowedHeaders": "AllowedHeaders",
        "AllowedMethods": "AllowedMethods",
        "AllowedOrigins": "AllowedOrigins",
        "ExposedHeaders": "ExposeHeaders",
        "MaxAge": "MaxAgeSeconds",
        "Id": "ID",
    }
    return {"CORSRules": [{names[key]: value for key, value in rule.items()} for rule in told["CorsRules"]]}


def _lifecycle(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"Rules": [_lifecycle_rule(number, rule) for number, rule in enumerate(told["Rules"])]}


def _lifecycle_rule(number: int, rule: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "ID": rule.get("Id", f"rule-{number}"),
        "Status": rule["Status"],
        "Filter": {"Prefix": rule.get("Prefix", "")},
    }
    expiration = {
        target: rule[key]
        for key, target in (
            ("ExpirationInDays", "Days"),
            ("ExpirationDate", "Date"),
            ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
        )
        if key in rule
    }
    if expiration:
        made["Expiration"] = expiration
    moves = rule.get("Transitions") or ([rule["Transition"]] if "Transition" in rule else [])
    if moves:
        made["Transitions"] = [
            {"StorageClass": row["StorageClass"], "Days": row.get("TransitionInDays", 0)} for row in moves
        ]
    if "AbortIncompleteMultipartUpload" in rule:
        made["AbortIncompleteMultipartUpload"] = {
            "DaysAfterInitiation": rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        }
    days = (rule.get("NoncurrentVersionExpiration") or {}).get(
        "NoncurrentDays", rule.get("NoncurrentVersionExpirationInDays")
    )
    if days is not None:
        made["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    return made


def _website(told: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if "IndexDocument" in told:
        made["IndexDocument"] = {"Suffix": told["IndexDocument"]}
    if "ErrorDocument" in told:
        made["ErrorDocument"] = {"Key": told["ErrorDocument"]}
    if "RedirectAllRequestsTo" in told:
        made["RedirectAllRequestsTo"] = told["RedirectAllRequestsTo"]
    return made


def _logging(told: Mapping[str, Any]) -> dict[str, Any]:
    target = {"TargetBucket": told.get("DestinationBucketName", ""), "TargetPrefix": told.get("LogFilePrefix", "")}
    return {"LoggingEnabled": target}


_SETTINGS: Final[Mapping[str, _Setting]] = {
    "VersioningConfiguration": _Setting("PutBucketVersioning", "VersioningConfiguration", _as_it_is, None),
    "NotificationConfiguration": _Setting(
        "PutBucketNotificationConfiguration", "NotificationConfiguration", _notifications, None
    ),
    "BucketEncryption": _Setting(
        "PutBucketEncryption", "ServerSideEncryptionConfiguration", _encryption, "DeleteBucketEncryption"
    ),
    "CorsConfiguration": _Setting("PutBucketCors", "CORSConfiguration", _cors, "DeleteBucketCors"),
    "LifecycleConfiguration": _Setting(
        "PutBucketLifecycleConfiguration", "LifecycleConfiguration", _lifecycle, "DeleteBucketLifecycle"
    ),
    "PublicAccessBlockConfiguration": _Setting(
        "PutPublicAccessBlock", "PublicAccessBlockConfiguration", _as_it_is, "DeletePublicAccessBlock"
    ),
    "OwnershipControls": _Setting(
        "PutBucketOwnershipControls", "OwnershipControls", _as_it_is, "DeleteBucketOwnershipControls"
    ),
    "WebsiteConfiguration": _Setting("PutBucketWebsite", "WebsiteConfiguration", _website, "DeleteBucketWebsite"),
    "LoggingConfiguration": _Setting("PutBucketLogging", "BucketLoggingStatus", _logging, None),
    "AccelerateConfiguration": _Setting(
        "PutBucketAccelerateConfiguration",
        "AccelerateConfiguration",
        lambda told: {"Status": told["AccelerationStatus"]},
        None,
    ),
    "Tags": _Setting("PutBucketTagging", "Tagging", lambda tags: {"TagSet": list(tags)}, "DeleteBucketTagging"),
}
_EMPTY: Final[Mapping[str, Any]] = {
    "VersioningConfiguration": {"Status": "Suspended"},
    "NotificationConfiguration": {},
    "LoggingConfiguration": {},
    "AccelerateConfiguration": {"Status": "Suspended"},
}


def _create(hands: Hands, properties: Properties) -> Made:
    name = properties.get("BucketName") or hands.name(63, lower=True)
    hands.claim(name, lambda: hands.call(_S3, "HeadBucket", Bucket=name))
    place = {} if hands.region == _HOME else {"CreateBucketConfiguration": {"LocationConstraint": hands.region}}
    acl = _ACLS.get(properties.get("AccessControl", ""), None)
    hands.call(_S3, "CreateBucket", Bucket=name, **place, **({"ACL": acl} if acl else {}))
    _set(hands, name, {}, properties)
    return Made(name, _attributes(hands, name))


_ACLS: Final = {
    "PublicRead": "public-read",
    "PublicReadWrite": "public-read-write",
    "AuthenticatedRead": "authenticated-read",
    "Private": "private",
    "BucketOwnerFullControl": "bucket-owner-full-control",
    "LogDeliveryWrite": "log-delivery-write",
}


def _attributes(hands: Hands, name: str) -> dict[str, str]:
    return {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{hands.region}.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.{hands.region}.amazonaws.com",
        "WebsiteURL": f"http://{name}.s3-website-{hands.region}.amazonaws.com",
    }


def _set(hands: Hands, name: str, before: Properties, after: Properties) -> None:
    for key, setting in _SETTINGS.items():
        if before.get(key) == after.get(key):
            continue
        if after.get(key):
            hands.call(_S3, setting.operation, Bucket=name, **{setting.parameter: setting.shape(after[key])})
        elif setting.removal is not None:
            hands.call(_S3, setting.removal, Bucket=name)
        elif key in _EMPTY:
            hands.call(_S3, setting.operation, Bucket=name, **{setting.parameter: _EMPTY[key]})


def _update(hands: Hands, standing: Standing, properties: Properties) -> Made:
    _set(hands, standing.physical, standing.properties, properties)
    return Made(standing.physical, standing.attributes)


def _put_policy(hands: Hands, properties: Properties) -> Made:
    bucket = properties["Bucket"]
    hands.call(_S3, "PutBucketPolicy", Bucket=bucket, Policy=text(properties["PolicyDocument"]))
    return Made(bucket)


KINDS: Final = (
    Kind("AWS::S3::Bucket", _create, _update, deleting(_S3, "DeleteBucket", Bucket=PHYSICAL), named="BucketName"),
    Kind(
        "AWS::S3::BucketPolicy",
        _put_policy,
        lambda hands, standing, properties: _put_policy(hands, properties),
        deleting(_S3, "DeleteBucketPolicy", Bucket="Bucket"),
    ),
)
