"""CloudWatch: alarms and dashboards."""

from typing import Final

from sfn_emulator.cloud.stacks.resources.kind import PHYSICAL, Hands, Kind, Made, Properties, Standing, updating

_CLOUDWATCH: Final = "cloudwatch"


def _create_alarm(hands: Hands, properties: Properties) -> Made:
    name = properties.get("AlarmName") or hands.name(255)
    hands.noted(name)
    hands.send(_CLOUDWATCH, "PutMetricAlarm", properties, AlarmName=name)
    return Made(name, {"Arn": hands.arn("cloudwatch", f"alarm:{name}")})


def _delete_alarm(hands: Hands, standing: Standing) -> None:
    hands.call(_CLOUDWATCH, "DeleteAlarms", AlarmNames=[standing.physical])


def _create_dashboard(hands: Hands, properties: Properties) -> Made:
    name = properties.get("DashboardName") or hands.name(255)
    hands.send(_CLOUDWATCH, "PutDashboard", properties, DashboardName=name)
    return Made(name)


def _delete_dashboard(hands: Hands, standing: Standing) -> None:
    hands.call(_CLOUDWATCH, "DeleteDashboards", DashboardNames=[standing.physical])


KINDS: Final = (
    Kind(
        "AWS::CloudWatch::Alarm",
        _create_alarm,
        updating(_CLOUDWATCH, "PutMetricAlarm", AlarmName=PHYSICAL),
        _delete_alarm,
        named="AlarmName",
    ),
    Kind(
        "AWS::CloudWatch::Dashboard",
        _create_dashboard,
        updating(_CLOUDWATCH, "PutDashboard", DashboardName=PHYSICAL),
        _delete_dashboard,
        named="DashboardName",
    ),
)
