"""A Task's Resource, taken apart once, at create time.

``arn:aws:lambda:REGION:ACCOUNT:function:NAME``       → family LAMBDA   (LambdaFunction* events)
``arn:aws:states:REGION:ACCOUNT:activity:NAME``       → family ACTIVITY (Activity* events)
``arn:aws:states:::sqs:sendMessage.waitForTaskToken`` → family SERVICE  (Task* events; resourceType ``sqs``,
                                                        resource ``sendMessage.waitForTaskToken``)
``arn:aws:states:::aws-sdk:s3:getObject``             → family SERVICE  (resourceType ``aws-sdk:s3``)
"""

from dataclasses import dataclass
from enum import Enum, StrEnum


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
