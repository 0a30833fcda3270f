import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.asl.integrations import OPTIMISED
from sfn_emulator.asl.resource import Pattern
from sfn_emulator.engine.ports import TaskFailed
from sfn_emulator.errors import OWN_FAULT
from sfn_emulator.tasks.integrations import jobs, optimised
from sfn_emulator.tasks.router import Router
from tests.tasks.conftest import Host, resource

SDK = "arn:aws:states:::aws-sdk"


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:lambda:us-east-1:123456789012:function:f",
        "arn:aws:states:us-east-1:123456789012:activity:a",
        "arn:aws:states:::lambda:invoke",
        "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "arn:aws:states:::states:startExecution.sync:2",
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "arn:aws:states:::ecs:runTask.sync",
        "arn:aws:states:::http:invoke",
        f"{SDK}:sfn:startExecution",
        f"{SDK}:sfn:startExecution.waitForTaskToken",
        f"{SDK}:cloudwatchlogs:describeLogGroups",
        f"{SDK}:eventbridge:putEvents",
        f"{SDK}:cognitoidentityprovider:listUserPools",
        f"{SDK}:config:describeConfigRules",
        f"{SDK}:acmpca:listCertificateAuthorities",
        f"{SDK}:elasticloadbalancingv2:describeLoadBalancers",
    ],
)
def test_a_known_integration_is_supported(host: Host, arn: str) -> None:
    assert host.tasks.supports(resource(arn)) is None


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:states:::nosuch:thing",
        "arn:aws:states:::sqs:receiveMessage",
        "arn:aws:states:::dynamodb:putItem.waitForTaskToken",
        "arn:aws:states:::sns:publish.sync",
        "arn:aws:states:::http:invoke.waitForTaskToken",
        "arn:aws:states:::lambda:invoke.sync",
        f"{SDK}:logs:describeLogGroups",
        f"{SDK}:stepfunctions:startExecution",
        f"{SDK}:s3:GetObject",
        f"{SDK}:s3:noSuchAction",
        f"{SDK}:s3:getObject.sync",
    ],
)
def test_an_unknown_resource_is_refused_in_awss_words(host: Host, arn: str) -> None:
    assert host.tasks.supports(resource(arn)) == (
        f"The resource provided {arn} is not recognized. The value is not a valid resource ARN, or the resource is "
        "not available in this region."
    )


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        ({"QueueUrl": "u"}, "The field 'MessageBody' is required but was missing"),
        ({"QueueUrl": "u", "MessageBody": "b", "Nope": 1}, 'The field "Nope" is not supported by Step Functions'),
        (
            {"QueueUrl": "u", "MessageBody": "b", "MessageAttributes": "x"},
            "The value of the field 'MessageAttributes' has an invalid format",
        ),
    ],
)
def test_unusable_parameters_never_start_the_task(host: Host, given: object, problems: str) -> None:
    told = host.run("arn:aws:states:::sqs:sendMessage", given)

    assert isinstance(told, TaskFailed)
    assert (told.error, told.stage) == ("States.Runtime", "Runtime")
    assert told.cause is not None
    assert told.cause.startswith('The Parameters \'{"QueueUrl":"u"')
    assert told.cause.endswith(f"could not be used to start the Task: [{problems}]")


_PARAMETERS = json.loads((Path(__file__).parent.parent / "conformance" / "task_parameters.json").read_text())


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in _PARAMETERS])
def test_faults_of_parameters_are_reported_before_any_call(host: Host, case: dict[str, Any]) -> None:
    told = host.run(f"arn:aws:states:::{case['resource']}", case["parameters"])
    cause = str(getattr(told, "cause", ""))
    if case["problems"]:
        assert cause.endswith(f"could not be used to start the Task: [{', '.join(case['problems'])}]")
    else:
        assert "could not be used to start the Task" not in cause


def test_importing_the_tasks_imports_no_aws_sdk() -> None:
    program = "import sys, sfn_emulator.tasks.router; sys.exit(any(m in sys.modules for m in ('boto3', 'botocore')))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_all_optimised_integrations_the_language_knows_are_run(host: Host) -> None:
    known = {f"arn:aws:states:::{service}:{action}" for service, actions in OPTIMISED.items() for action in actions}
    refused = {arn for arn in known if host.tasks.supports(resource(arn)) is not None}
    assert refused == {
        "arn:aws:states:::eks:call",  # these two need a Kubernetes API server
        "arn:aws:states:::eks:runJob",
        "arn:aws:states:::elasticmapreduce:modifyInstanceFleetByName",  # and these two ask for more than one call
        "arn:aws:states:::elasticmapreduce:modifyInstanceGroupByName",
    }


def test_every_job_that_can_be_waited_for_is_watched() -> None:
    assert {key for key, row in optimised.ROWS.items() if Pattern.SYNC in row.patterns} == set(jobs.ROWS)


@pytest.mark.parametrize(
    ("arn", "told"),
    [
        ("arn:aws:states:::eks:call", "is an integration of Step Functions that is not run here"),
        ("arn:aws:states:::eks:runJob.sync", "is an integration of Step Functions that is not run here"),
        ("arn:aws:states:::aws-sdk:lookoutvision:detectAnomalies", "a service that AWS has discontinued"),
        ("arn:aws:states:::eks:invent", "is not recognized"),
        ("arn:aws:states:::aws-sdk:nosuch:thing", "is not recognized"),
    ],
)
def test_a_resource_that_is_not_run_is_refused_with_the_reason(host: Host, arn: str, told: str) -> None:
    refusal = host.tasks.supports(resource(arn))
    assert refusal is not None
    assert told in refusal


@pytest.mark.parametrize(
    ("action", "given", "field"),
    [
        ("cloudwatchlogs:getLogEvents", {"LogStreamName": "s", "StartTime": 10**20}, "StartTime"),
        ("cloudwatchlogs:getLogEvents", {"LogStreamName": "s", "Limit": 2**31}, "Limit"),
        ("cloudwatchlogs:getLogEvents", {"LogStreamName": "s", "Limit": "1_0"}, "Limit"),
        ("cloudwatch:describeAlarmHistory", {"StartDate": 10**20}, "StartDate"),
        ("cloudwatch:describeAlarmHistory", {"StartDate": "soon"}, "StartDate"),
        ("cloudwatch:putMetricAlarm", {"AlarmName": "a", "Threshold": "nan"}, "Threshold"),
        ("cloudwatch:putMetricAlarm", {"AlarmName": "a", "Threshold": 10**400}, "Threshold"),
    ],
)
def test_an_invalid_number_or_time_has_an_invalid_format(
    host: Host, action: str, given: dict[str, object], field: str
) -> None:
    told = host.run(f"{SDK}:{action}", given)
    assert isinstance(told, TaskFailed)
    assert told.error == "States.Runtime"
    assert f"The value of the field '{field}' has an invalid format" in str(told.cause)


class _Broken:
    """A role that no table and no thread can cope with."""

    def asks(self, request: object) -> bool:
        raise KeyError("role")


def test_a_fault_of_our_own_ends_the_task_in_a_sentence(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    world = replace(host.tasks._world, guard=_Broken())  # type: ignore[attr-defined]
    host.tasks = Router(world)
    told = host.run(f"{SDK}:sqs:listQueues", {})
    assert isinstance(told, TaskFailed)
    assert (told.error, told.cause) == ("States.TaskFailed", OWN_FAULT)
    assert "KeyError" in caplog.text
