"""IAM policy documents, each statement as narrow as its service lets it be."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Statement = Mapping[str, Any]

# Neither can be narrowed to a resource (Service Authorization Reference, X-Ray; Step Functions guide, cw-logs).
TRACING: Final[Statement] = {
    "Effect": "Allow",
    "Action": [
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
    ],
    "Resource": "*",
}
LOG_DELIVERY: Final[Statement] = {
    "Effect": "Allow",
    "Action": [
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
    ],
    "Resource": "*",
}


def document(*statements: Statement) -> dict[str, Any]:
    """A policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(service: str) -> dict[str, Any]:
    """The trust policy: ``service`` may assume the role, e.g. ``lambda.amazonaws.com``."""
    return document({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})


def rows(table_arn: str, actions: Sequence[str]) -> Statement:
    """Allows operations on the rows of one table: ``GetItem``, ``PutItem``."""
    return _allow([f"dynamodb:{action}" for action in actions], table_arn)


def invoke(function_arns: Sequence[str]) -> Statement:
    return _allow(["lambda:InvokeFunction"], list(function_arns))


def publish(topic_arn: str) -> Statement:
    return _allow(["sns:Publish"], topic_arn)


def start(machine_arn: str) -> Statement:
    """Allows starting the machine, directly or through a version or an alias of it."""
    return _allow(["states:StartExecution"], [machine_arn, f"{machine_arn}:*"])


def describe_executions(machine_arn: str) -> Statement:
    return _allow(["states:DescribeExecution"], f"{machine_arn.replace(':stateMachine:', ':execution:')}:*")


def write_logs(group_arn: str) -> Statement:
    return _allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{group_arn}:*")


def _allow(actions: Sequence[str], resource: str | list[str]) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}
