"""CodeDeploy, as far as it moves an alias's traffic from one version of a function to the next."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sfn_emulator.cloud.stacks.errors import ResourceError
from sfn_emulator.cloud.stacks.resources.kind import PHYSICAL, Hands, Kind, Made, Properties, Standing, deleting

_CODEDEPLOY: Final = "codedeploy"
_POLICY: Final = "CodeDeployLambdaAliasUpdate"
_HOOKS: Final = ("BeforeAllowTrafficHook", "AfterAllowTrafficHook")
_CONFIGURATION: Final = re.compile(
    r"(?:CodeDeployDefault\.Lambda)?(?:(?P<all>AllAtOnce)|(?P<kind>Canary|Linear)(?P<percent>\d+)Percent(?:Every)?"
    r"(?P<minutes>\d+)Minutes?)"
)
"""AWS's own configurations for Lambda (CodeDeploy, "Working with deployment configurations")."""


def shifts(hands: Hands) -> Iterator[float]:
    """Yields the new version's weights, each to be set at once, before the version gets all the traffic. Between two
    weights the configuration's minutes pass. Raises ``ResourceError`` when an alarm goes off.
    """
    policy = hands.update_policy.get(_POLICY)
    if not policy:
        return
    hooks = [name for name in _HOOKS if policy.get(name)]
    if hooks:
        raise ResourceError(f"{hooks[0]} of {_POLICY} is not called here. Remove it to deploy.")
    group = hands.call(
        _CODEDEPLOY,
        "GetDeploymentGroup",
        applicationName=policy["ApplicationName"],
        deploymentGroupName=policy["DeploymentGroupName"],
    )["deploymentGroupInfo"]
    weights, minutes = _configured(group["deploymentConfigName"])
    for weight in weights:
        yield weight
        hands.world.pause(60.0 * minutes)
        watch(hands, [alarm["name"] for alarm in group.get("alarmConfiguration", {}).get("alarms", [])])


def _configured(name: str) -> tuple[list[float], int]:
    found = _CONFIGURATION.fullmatch(name)
    if found is None:
        raise ResourceError(
            f"The deployment configuration {name} is not known here. CodeDeployDefault.LambdaAllAtOnce, "
            "LambdaCanary10Percent5Minutes and their like are."
        )
    if found["all"]:
        return [], 0
    percent, minutes = int(found["percent"]), int(found["minutes"])
    shares = [percent] if found["kind"] == "Canary" else range(percent, 100, max(1, percent))
    return [share / 100 for share in shares], minutes


def watch(hands: Hands, alarms: list[str]) -> None:
    """Raises ``ResourceError`` when one of the alarms is in state ALARM."""
    told = hands.call("cloudwatch", "DescribeAlarms", AlarmNames=alarms)["MetricAlarms"] if alarms else []
    loud = [alarm["AlarmName"] for alarm in told if alarm["StateValue"] == "ALARM"]
    if loud:
        raise ResourceError(f"The deployment was stopped: alarm {', '.join(loud)} is in state ALARM.")


def _create_application(hands: Hands, properties: Properties) -> Made:
    name = properties.get("ApplicationName") or hands.name(100)
    hands.noted(name)
    hands.send(_CODEDEPLOY, "CreateApplication", properties, applicationName=name)
    return Made(name)


def _keep(hands: Hands, standing: Standing, properties: Properties) -> Made:
    return Made(standing.physical, standing.attributes)


def _create_group(hands: Hands, properties: Properties) -> Made:
    name = properties.get("DeploymentGroupName") or hands.name(100)
    hands.noted(name)
    hands.send(_CODEDEPLOY, "CreateDeploymentGroup", properties, deploymentGroupName=name)
    return Made(name)


def _update_group(hands: Hands, standing: Standing, properties: Properties) -> Made:
    told: Mapping[str, Any] = {key: value for key, value in properties.items() if key != "DeploymentGroupName"}
    hands.send(_CODEDEPLOY, "UpdateDeploymentGroup", told, currentDeploymentGroupName=standing.physical)
    return Made(standing.physical, standing.attributes)


KINDS: Final = (
    Kind(
        "AWS::CodeDeploy::Application",
        _create_application,
        _keep,
        deleting(_CODEDEPLOY, "DeleteApplication", applicationName=PHYSICAL),
        named="ApplicationName",
    ),
    Kind(
        "AWS::CodeDeploy::DeploymentGroup",
        _create_group,
        _update_group,
        deleting(_CODEDEPLOY, "DeleteDeploymentGroup", applicationName="ApplicationName", deploymentGroupName=PHYSICAL),
        named="DeploymentGroupName",
    ),
)
