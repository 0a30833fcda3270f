"""EventBridge Scheduler and Pipes, and Kinesis streams that feed them."""

from typing import Final

from sfn_emulator.cloud.stacks.resources.kind import (
    PHYSICAL,
    Hands,
    Kind,
    Made,
    Properties,
    Standing,
    deleting,
    updating,
)
from sfn_emulator.cloud.stacks.resources.tagging import retag

_SCHEDULER: Final = "scheduler"
_PIPES: Final = "pipes"
_KINESIS: Final = "kinesis"


def _group(properties: Properties) -> dict[str, str]:
    return {"GroupName": properties["GroupName"]} if properties.get("GroupName") else {}


def _create_schedule(hands: Hands, properties: Properties) -> Made:
    name = properties.get("Name") or hands.name(64)
    hands.claim(name, lambda: hands.call(_SCHEDULER, "GetSchedule", Name=name, **_group(properties)))
    arn = hands.send(_SCHEDULER, "CreateSchedule", properties, Name=name)["ScheduleArn"]
    return Made(name, {"Arn": arn})


def _create_group(hands: Hands, properties: Properties) -> Made:
    name = properties.get("Name") or hands.name(64)
    hands.claim(name, lambda: hands.call(_SCHEDULER, "GetScheduleGroup", Name=name))
    arn = hands.send(_SCHEDULER, "CreateScheduleGroup", properties, Name=name)["ScheduleGroupArn"]
    return Made(name, {"Arn": arn})


def _keep(hands: Hands, standing: Standing, properties: Properties) -> Made:
    return Made(standing.physical, standing.attributes)


def _create_pipe(hands: Hands, properties: Properties) -> Made:
    name = properties.get("Name") or hands.name(64)
    hands.claim(name, lambda: hands.call(_PIPES, "DescribePipe", Name=name))
    told = hands.send(_PIPES, "CreatePipe", properties, Name=name)
    return Made(name, {"Arn": told["Arn"], "CurrentState": told.get("CurrentState", "")})


def _create_stream(hands: Hands, properties: Properties) -> Made:
    name = properties.get("Name") or hands.name(128)
    hands.claim(name, lambda: hands.call(_KINESIS, "DescribeStreamSummary", StreamName=name))
    told = {key: value for key, value in properties.items() if key not in ("Tags", "RetentionPeriodHours")}
    if "StreamModeDetails" not in told:
        told = {"ShardCount": 1, **told}
    hands.send(_KINESIS, "CreateStream", told, StreamName=name)
    _stream_settings(hands, name, {}, properties)
    arn = hands.arn("kinesis", f"stream/{name}")
    return Made(name, {"Arn": arn})


def _stream_settings(hands: Hands, name: str, before: Properties, after: Properties) -> None:
    old, new = (int(told.get("RetentionPeriodHours") or 24) for told in (before, after))
    if new != old:
        operation = "IncreaseStreamRetentionPeriod" if new > old else "DecreaseStreamRetentionPeriod"
        hands.call(_KINESIS, operation, StreamName=name, RetentionPeriodHours=new)
    if before.get("ShardCount", 1) != after.get("ShardCount", 1) and before:
        count = after.get("ShardCount", 1)
        hands.call(_KINESIS, "UpdateShardCount", StreamName=name, TargetShardCount=count, ScalingType="UNIFORM_SCALING")
    retag(
        before,
        after,
        lambda tags: hands.call(_KINESIS, "AddTagsToStream", StreamName=name, Tags=tags),
        lambda keys: hands.call(_KINESIS, "RemoveTagsFromStream", StreamName=name, TagKeys=list(keys)),
    )


def _update_stream(hands: Hands, standing: Standing, properties: Properties) -> Made:
    _stream_settings(hands, standing.physical, standing.properties, properties)
    return Made(standing.physical, standing.attributes)


KINDS: Final = (
    Kind(
        "AWS::Scheduler::Schedule",
        _create_schedule,
        updating(_SCHEDULER, "UpdateSchedule", Name=PHYSICAL),
        deleting(_SCHEDULER, "DeleteSchedule", Name=PHYSICAL, GroupName="GroupName"),
        named="Name",
    ),
    Kind(
        "AWS::Scheduler::ScheduleGroup",
        _create_group,
        _keep,
        deleting(_SCHEDULER, "DeleteScheduleGroup", Name=PHYSICAL),
        named="Name",
    ),
    Kind(
        "AWS::Pipes::Pipe",
        _create_pipe,
        updating(_PIPES, "UpdatePipe", Name=PHYSICAL),
        deleting(_PIPES, "DeletePipe", Name=PHYSICAL),
        named="Name",
    ),
    Kind(
        "AWS::Kinesis::Stream",
        _create_stream,
        _update_stream,
        deleting(_KINESIS, "DeleteStream", StreamName=PHYSICAL),
        named="Name",
    ),
)
