"""Traffic goes over to a new version step by step: aliases of functions and of state machines."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.stacks.stacks import PASS, ROLE, Stack, Stacks, machine
from tests.processes import running
from tests.waiting import until


@pytest.fixture(scope="module")
def slow() -> Iterator[Stacks]:
    """A server on which five minutes are five minutes, unless its clock is moved on."""
    with running("--in-memory") as process:
        yield Stacks(process)


def finished(update: threading.Thread, stacks: Stacks) -> None:
    """Lets minutes pass until the deployment has ended."""

    def a_minute_later() -> bool:
        asked = urllib.request.Request(f"{stacks.server.url}/_sfn/clock", b'{"advance": 60}', method="POST")
        urllib.request.urlopen(asked).close()
        return not update.is_alive()

    until(a_minute_later)


def function_alias(answer: str, configuration: str, **policy: str) -> dict[str, Any]:
    source = f"def h(event, context): return '{answer}'"
    code = {"Runtime": "python3.12", "Handler": "index.h", "Role": ROLE, "Timeout": 300, "Code": {"ZipFile": source}}
    application = {"ApplicationName": {"Ref": "App"}, "DeploymentGroupName": {"Ref": "Group"}, **policy}
    group = {"ServiceRoleArn": ROLE, "ApplicationName": {"Ref": "App"}, "DeploymentConfigName": configuration}
    alarms = {"Alarms": [{"Name": "loud"}], "Enabled": True}
    return {
        "F": {"Type": "AWS::Lambda::Function", "Properties": code},
        f"V{answer}": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "F"}}},
        "App": {"Type": "AWS::CodeDeploy::Application", "Properties": {"ComputePlatform": "Lambda"}},
        "Group": {"Type": "AWS::CodeDeploy::DeploymentGroup", "Properties": {**group, "AlarmConfiguration": alarms}},
        "Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": {"Ref": "F"},
                "Name": "live",
                "FunctionVersion": {"Fn::GetAtt": [f"V{answer}", "Version"]},
            },
            "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": application},
        },
    }


def begun(stack: Stack, resources: dict[str, Any]) -> threading.Thread:
    thread = threading.Thread(target=stack.update, args=(resources,))
    thread.start()
    return thread


def alias(stacks: Stacks, stack: Stack) -> Any:
    return stacks.client("lambda").get_alias(FunctionName=stack.physical("F"), Name="live")


def test_a_tenth_of_the_calls_go_to_a_new_version_before_all_do(slow: Stacks) -> None:
    canary = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    stack = slow.create(function_alias("one", canary))
    assert stack.status == "CREATE_COMPLETE", stack.events()
    update = begun(stack, function_alias("two", canary))
    until(lambda: (alias(slow, stack).get("RoutingConfig") or {}).get("AdditionalVersionWeights") == {"2": 0.1})
    finished(update, slow)
    assert stack.status == "UPDATE_COMPLETE", stack.events()
    after = alias(slow, stack)
    assert (after["FunctionVersion"], (after.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}) == (
        "2",
        {},
    )
    assert stack.delete().status == "DELETE_COMPLETE", stack.events()


def test_an_alarm_sends_all_calls_back_to_the_old_version(slow: Stacks) -> None:
    linear = "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"
    stack = slow.create(function_alias("one", linear))
    watch = slow.client("cloudwatch")
    watch.put_metric_alarm(
        AlarmName="loud", MetricName="m", Namespace="n", Period=60, EvaluationPeriods=1, Threshold=1, Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    watch.set_alarm_state(AlarmName="loud", StateValue="ALARM", StateReason="too many errors")
    finished(begun(stack, function_alias("two", linear)), slow)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "alarm loud is in state ALARM" in stack.reason("Live")
    assert alias(slow, stack)["FunctionVersion"] == "1"
    called = [slow.client("lambda").invoke(FunctionName=stack.physical("F"), Qualifier="live") for _ in range(20)]
    assert {call["ExecutedVersion"] for call in called} == {"1"}


def test_a_hook_that_would_not_be_called_is_refused_by_name(slow: Stacks) -> None:
    once = "CodeDeployDefault.LambdaAllAtOnce"
    stack = slow.create(function_alias("one", once, BeforeAllowTrafficHook="check"))
    assert stack.update(function_alias("two", once, BeforeAllowTrafficHook="check")).status == (
        "UPDATE_ROLLBACK_COMPLETE"
    )
    assert "BeforeAllowTrafficHook" in stack.reason("Live")


def test_an_alias_of_a_state_machine_goes_over_in_steps(slow: Stacks) -> None:
    def resources(comment: str) -> dict[str, Any]:
        definition = json.dumps({**json.loads(PASS), "Comment": comment})
        version = {
            "StateMachineArn": {"Ref": "M"},
            "StateMachineRevisionId": {"Fn::GetAtt": ["M", "StateMachineRevisionId"]},
        }
        preference = {"Type": "LINEAR", "Percentage": 50, "Interval": 5, "StateMachineVersionArn": {"Ref": "V"}}
        return {
            "M": machine(DefinitionString=definition),
            "V": {"Type": "AWS::StepFunctions::StateMachineVersion", "UpdateReplacePolicy": "Retain",
                  "Properties": version},
            "Live": {"Type": "AWS::StepFunctions::StateMachineAlias", "Properties": {
                "Name": "live", "DeploymentPreference": preference}},
        }  # fmt: skip

    stack = slow.create(resources("one"))
    assert stack.status == "CREATE_COMPLETE", stack.events()
    states, arn = slow.client("stepfunctions"), stack.physical("Live")
    update = begun(stack, resources("two"))

    def weights() -> list[int]:
        told = states.describe_state_machine_alias(stateMachineAliasArn=arn)["routingConfiguration"]
        return sorted(row["weight"] for row in told)

    until(lambda: weights() == [50, 50])
    finished(update, slow)
    assert stack.status == "UPDATE_COMPLETE", stack.events()
    after = states.describe_state_machine_alias(stateMachineAliasArn=arn)["routingConfiguration"]
    assert after == [{"stateMachineVersionArn": stack.physical("V"), "weight": 100}]
