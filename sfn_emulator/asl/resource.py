"""A Task's Resource, taken apart once, at create time.

``arn:aws:lambda:REGION:ACCOUNT:function:NAME``       → family LAMBDA   (LambdaFunction* events)
``arn:aws:states:REGION:ACCOUNT:activity:NAME``       → family ACTIVITY (Activity* events)
``arn:aws:states:::sqs:sendMessage.waitForTaskToken`` → family SERVICE  (Task* events; resourceType ``sqs``,
                                                        resource ``sendMessage.waitForTaskToken``)
``arn:aws:states:::aws-sdk:s3:getObject``             → family SERVICE  (resourceType ``aws-sdk:s3``)
"""

import re
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Final


class Family(Enum):
    LAMBDA = "lambda"
    ACTIVITY = "activity"
    SERVICE = "service"


class Pattern(StrEnum):
    """How a service integration answers (`Service integration patterns`)."""

    REQUEST_RESPONSE = ""
    SYNC = ".sync"
    SYNC_2 = ".sync:2"
    WAIT_FOR_TASK_TOKEN = ".waitForTaskToken"


@dataclass(frozen=True, slots=True)
class Resource:
    """``resource_type`` and ``resource`` are the history's words; ``action`` is ``resource`` less its pattern."""

    arn: str
    family: Family
    resource_type: str = ""
    resource: str = ""
    action: str = ""
    pattern: Pattern = Pattern.REQUEST_RESPONSE


_BY_SUFFIX: Final = {pattern.value: pattern for pattern in Pattern}
_ARN: Final = re.compile(r"arn:aws[a-z0-9-]*:([a-z0-9-]+):[a-z0-9-]*:[^:/\s]*:(\S(?:.*\S)?)")
_LAMBDA: Final = re.compile(r"function:[A-Za-z0-9_-]+(?::[A-Za-z0-9$_.-]+)?")
_ACTION: Final = re.compile(r"((?:aws-sdk:)?[A-Za-z0-9-]+):([A-Za-z0-9]+)((?:\.\w+(?::2)?)?)")


@lru_cache(1_024)
def parse_resource(arn: str) -> Resource | None:
    """The parts of the ARN; ``None`` for a text that is no ARN of a resource."""
    found = _ARN.fullmatch(arn)
    if not found:
        return None
    service, rest = found.groups()
    if service == "lambda":
        return Resource(arn, Family.LAMBDA) if _LAMBDA.fullmatch(rest) else None
    if service == "states":
        return _states_resource(arn, rest)
    return Resource(arn, Family.SERVICE, service, rest, rest)


def _states_resource(arn: str, rest: str) -> Resource | None:
    kind, _, name = rest.partition(":")
    if kind == "activity":
        return Resource(arn, Family.ACTIVITY) if name else None
    found = _ACTION.fullmatch(rest)
    if not found:
        return None
    resource_type, action, suffix = found.groups()
    if suffix and suffix not in _BY_SUFFIX:
        return None
    return Resource(arn, Family.SERVICE, resource_type, action + suffix, action, _BY_SUFFIX[suffix])
