"""Names in Step Functions' casing. It calls AWS through the Java SDKs, so their rules hold.

The AWS SDK integrations use version 2 (``DynamoDb``, ``Acl``, ``Md5OfMessageBody``), the optimised ones version 1
(``DynamoDB``, ``ACL``, ``MD5OfMessageBody``). Sources: `Learning to use AWS service SDK integrations`, and the code
generator of aws-sdk-java-v2 (naming of services, members and exceptions), checked against recordings.
"""

import re
from functools import cache
from typing import Final

_BOTOCORE: Final = {
    "applicationdiscovery": "discovery",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "config": "config",
    "costandusagereport": "cur",
    "costexplorer": "ce",
    "databasemigration": "dms",
    "directory": "ds",
    "directoryservicedata": "ds-data",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "elasticsearch": "es",
    "eventbridge": "events",
    "iotdataplane": "iot-data",
    "iotjobsdataplane": "iot-jobs-data",
    "lexmodelbuilding": "lex-models",
    "lexmodelsv2": "lexv2-models",
    "lexruntime": "lex-runtime",
    "lexruntimev2": "lexv2-runtime",
    "marketplaceentitlement": "marketplace-entitlement",
    "marketplacemetering": "meteringmarketplace",
    "migrationhub": "mgh",
    "pinpointsmsvoice": "sms-voice",
    "serverlessapplicationrepository": "serverlessrepo",
    "sfn": "stepfunctions",
    "simpledb": "sdb",
}
"""aws-sdk name → botocore's folder, where the folder is not simply the name with dashes."""


@cache
def botocore_service(sdk_name: str) -> str | None:
    """The botocore service behind ``aws-sdk:NAME``, or None (``logs`` is none: it is called cloudwatchlogs)."""
    if sdk_name in _BOTOCORE:
        return _BOTOCORE[sdk_name]
    return _folders().get(sdk_name)


@cache
def _folders() -> dict[str, str]:
    from botocore.loaders import Loader

    taken = set(_BOTOCORE.values())
    names = Loader().list_available_services("service-2")
    return {name.replace("-", ""): name for name in names if name not in taken}


@cache
def service_prefix(service_id: str) -> str:
    """The prefix of errors: ``SFN`` → ``Sfn``, ``DynamoDB`` → ``DynamoDb``, ``Config Service`` → ``Config``."""
    name = pascal(service_id)
    for prefix in ("Amazon", "Aws"):
        name = name.removeprefix(prefix)
    return name.removesuffix("Service")


_WORDS: Final = (
    (re.compile(r"[^A-Za-z0-9]+"), " "),
    (re.compile(r"([^a-z]{2,})v([0-9]+)"), r"\1 v\2 "),
    (re.compile(r"([^A-Z]{2,})V([0-9]+)"), r"\1 V\2 "),
    (re.compile(r"(?<=[a-z])(?=[A-Z]([a-zA-Z]|[0-9]))"), " "),
    (re.compile(r"([A-Z]+)([A-Z][a-z])"), r"\1 \2"),
    (re.compile(r"([0-9])([a-zA-Z])"), r"\1 \2"),
)


def pascal(name: str) -> str:
    """PascalCase by the Java SDK's word boundaries: ``SESv2`` → ``SesV2``, ``ACM PCA`` → ``AcmPca``."""
    for pattern, replacement in _WORDS:
        name = pattern.sub(replacement, name)
    return "".join(word[:1].upper() + word[1:].lower() for word in name.split())


@cache
def exception_name(shape_name: str) -> str:
    """``NoSuchBucket`` → ``NoSuchBucketException``, ``LimitExceededFault`` → ``LimitExceededException``."""
    if shape_name.endswith("Exception"):
        return pascal(shape_name)
    return pascal(shape_name.removesuffix("Fault")) + "Exception"


def uncapitalized(name: str) -> str:
    """The first letter, or a leading acronym, in lower case: ``SSEKMSKeyId`` → ``ssekmsKeyId``, ``ETag`` → ``eTag``."""
    end = 1
    while end < len(name) and name[end].isupper() and not (end + 1 < len(name) and name[end + 1].islower()):
        end += 1
    return name[:end].lower() + name[end:]


def capitalized(name: str) -> str:
    return name[:1].upper() + name[1:]


@cache
def member_v1(member: str) -> str:
    """A parameter's or result's name in an optimised integration."""
    return capitalized(member)


@cache
def member_v2(member: str) -> str:
    """A parameter's or result's name in an AWS SDK integration."""
    name = capitalized(uncapitalized(member))
    return _RESERVED.get(name, name)


_RESERVED: Final = {"Equals": "EqualsValue", "Null": "Nul"}
"""Words reserved in Java: ``equals`` (documented), ``null`` (DynamoDB's attribute value)."""
