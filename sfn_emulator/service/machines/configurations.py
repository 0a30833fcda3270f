"""A state machine's logging, tracing and encryption: checked, and filled in with defaults."""

import re
from collections.abc import Mapping
from typing import Any, Final

from sfn_emulator.service.errors import ApiError, refuse

NO_TRACING: Final[Mapping[str, Any]] = {"enabled": False}
OWNED_KEY: Final[Mapping[str, Any]] = {"type": "AWS_OWNED_KEY"}
_LOG_GROUP: Final = re.compile(r"arn:[\w-]+:logs:[\w-]+:\d{12}:log-group:[^:*]+:\*")
_ROLE: Final = re.compile(r"arn:[\w-]+:iam::\d{12}:role/.+")


def check_role(arn: str) -> None:
    """Raises ``InvalidArn`` for a text that is no ARN of an IAM role, with a message that users have reported."""
    if not _ROLE.fullmatch(arn):
        raise ApiError("InvalidArn", f"Invalid Role Arn: '{arn}'")


def logging_of(given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The configuration with its defaults. A level other than OFF needs exactly one destination (recorded)."""
    given = given or {}
    destinations = given.get("destinations")
    level = given.get("level", "OFF")
    if len(destinations or ()) > 1 or (level != "OFF" and not destinations):
        raise refuse("InvalidLoggingConfiguration", "Must specify exactly one Log Destination.")
    for destination in destinations or ():
        if not _LOG_GROUP.fullmatch(log_group_arn(destination)):
            raise refuse("InvalidLoggingConfiguration", "Log Destination must be a log group ARN that ends in ':*'.")
    told: dict[str, Any] = {"level": level, "includeExecutionData": given.get("includeExecutionData", False)}
    return told if destinations is None else told | {"destinations": destinations}


def log_group_arn(destination: Mapping[str, Any]) -> str:
    return str(destination.get("cloudWatchLogsLogGroup", {}).get("logGroupArn", ""))


def tracing_of(given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The tracing configuration. If given, it must have ``enabled`` (shape InvalidTracingConfiguration)."""
    if given is None:
        return NO_TRACING
    if "enabled" not in given:
        raise refuse("InvalidTracingConfiguration", "'enabled' must be set to true or false.")
    return {"enabled": given["enabled"]}


def encryption_of(given: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A customer's key needs an id and may have a reuse period (300 s by default); AWS's own takes neither."""
    if given is None:
        return None
    key, period = given.get("kmsKeyId"), given.get("kmsDataKeyReusePeriodSeconds")
    if given["type"] == "AWS_OWNED_KEY":
        if key is not None or period is not None:
            raise refuse(
                "InvalidEncryptionConfiguration",
                "kmsKeyId and kmsDataKeyReusePeriodSeconds can only be set for CUSTOMER_MANAGED_KMS_KEY",
            )
        return OWNED_KEY
    if key is None:
        raise refuse("InvalidEncryptionConfiguration", "kmsKeyId must be set for CUSTOMER_MANAGED_KMS_KEY")
    return {"type": given["type"], "kmsKeyId": key, "kmsDataKeyReusePeriodSeconds": 300 if period is None else period}
