"""Traffic goes over to a new version step by step: aliases of functions and of state machines."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.stacks.stacks import PASS, ROLE, Stack, Stacks, machine
from tests.processes import running


@pytest.fixture(scope="module")
def fast() -> Iterator[Stacks]:
    """A server on which five minutes are half a second."""
    with running("--in-memory", "--time", "600") as process:
        yield Stacks(process)


def function_alias(answer: str, configuration: str, **policy: str) -> dict[str, Any]:
    source = f"def h(event, context): return '{answer}'"
    code = {"Runtime": "python3.12", "Handler": "index.h", "Role": ROLE, "Code": {"ZipFile": source}}
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


def test_a_tenth_of_the_calls_go_to_a_new_version_before_all_do(fast: Stacks) -> None:
    canary = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    stack = fast.create(function_alias("one", canary))
    assert stack.status == "CREATE_COMPLETE", stack.events()
    update = begun(stack, function_alias("two", canary))
    seen: list[Any] = []
    while update.is_alive():
        seen.append((alias(fast, stack).get("RoutingConfig") or {}).get("AdditionalVersionWeights"))
    assert {"2": 0.1} in seen
    assert stack.status == "UPDATE_COMPLETE", stack.events()
    after = alias(fast, stack)
    assert (after["FunctionVersion"], (after.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}) == (
        "2",
        {},
    )
    assert stack.delete().status == "DELETE_COMPLETE", stack.events()


def test_an_alarm_sends_all_calls_back_to_the_old_version(fast: Stacks) -> None:
    linear = "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"
    stack = fast.create(function_alias("one", linear))
    watch = fast.client("cloudwatch")
    watch.put_metric_alarm(
        AlarmName="loud", MetricName="m", Namespace="n", Period=60, EvaluationPeriods=1, Threshold=1, Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    watch.set_alarm_state(AlarmName="loud", StateValue="ALARM", StateReason="too many errors")
    assert stack.update(function_alias("two", linear)).status == "UPDATE_ROLLBACK_COMPLETE"
    assert "alarm loud is in state ALARM" in stack.reason("Live")
    assert alias(fast, stack)["FunctionVersion"] == "1"
    called = [fast.client("lambda").invoke(FunctionName=stack.physical("F"), Qualifier="live") for _ in range(20)]
    assert {call["ExecutedVersion"] for call in called} == {"1"}


def test_a_hook_that_would_not_be_called_is_refused_by_name(fast: Stacks) -> None:
    once = "CodeDeployDefault.LambdaAllAtOnce"
    stack = fast.create(function_alias("one", once, BeforeAllowTrafficHook="check"))
    assert stack.update(function_alias("two", once, BeforeAllowTrafficHook="check")).status == (
        "UPDATE_ROLLBACK_COMPLETE"
    )
    assert "BeforeAllowTrafficHook" in stack.reason("Live")


def test_an_alias_of_a_state_machine_goes_over_in_steps(fast: Stacks) -> None:
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

    stack = fast.create(resources("one"))
    assert stack.status == "CREATE_COMPLETE", stack.events()
    states, arn = fast.client("stepfunctions"), stack.physical("Live")
    update = begun(stack, resources("two"))
    seen = []
    while update.is_alive():
        told = states.describe_state_machine_alias(stateMachineAliasArn=arn)["routingConfiguration"]
        seen.append(sorted(row["weight"] for row in told))
    assert [50, 50] in seen and stack.status == "UPDATE_COMPLETE", stack.events()
    after = states.describe_state_machine_alias(stateMachineAliasArn=arn)["routingConfiguration"]
    assert after == [{"stateMachineVersionArn": stack.physical("V"), "weight": 100}]
