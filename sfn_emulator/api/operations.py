"""Every operation of the model, as a row: its name and the function of the service that does it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from sfn_emulator.service.map_runs import operations as map_runs
from sfn_emulator.service.operations import aliases, tags, versions
from sfn_emulator.service.stepfunctions import StepFunctions
from sfn_emulator.service.surroundings import Surroundings

Told: TypeAlias = Mapping[str, Any]
Result: TypeAlias = dict[str, Any]
Operation: TypeAlias = Callable[[Surroundings, Told], Result | Awaitable[Result]]


def operations(service: StepFunctions) -> Mapping[str, Operation]:
    """The table, for one service."""
    machines, executions, activities = service.machines, service.executions, service.activities
    return {
        "CreateActivity": activities.create_activity,
        "CreateStateMachine": machines.create,
        "CreateStateMachineAlias": aliases.create_state_machine_alias,
        "DeleteActivity": activities.delete_activity,
        "DeleteStateMachine": machines.delete,
        "DeleteStateMachineAlias": aliases.delete_state_machine_alias,
        "DeleteStateMachineVersion": versions.delete_state_machine_version,
        "DescribeActivity": activities.describe_activity,
        "DescribeExecution": executions.describe,
        "DescribeMapRun": map_runs.describe_map_run,
        "DescribeStateMachine": machines.describe,
        "DescribeStateMachineAlias": aliases.describe_state_machine_alias,
        "DescribeStateMachineForExecution": executions.describe_machine,
        "GetActivityTask": activities.get_activity_task,
        "GetExecutionHistory": executions.history,
        "ListActivities": activities.list_activities,
        "ListExecutions": executions.list,
        "ListMapRuns": executions.list_map_runs,
        "ListStateMachineAliases": aliases.list_state_machine_aliases,
        "ListStateMachineVersions": versions.list_state_machine_versions,
        "ListStateMachines": machines.list,
        "ListTagsForResource": tags.list_tags_for_resource,
        "PublishStateMachineVersion": versions.publish_state_machine_version,
        "RedriveExecution": executions.redrive,
        "SendTaskFailure": service.tokens.send_task_failure,
        "SendTaskHeartbeat": service.tokens.send_task_heartbeat,
        "SendTaskSuccess": service.tokens.send_task_success,
        "StartExecution": executions.start,
        "StartSyncExecution": executions.start_sync,
        "StopExecution": executions.stop,
        "TagResource": tags.tag_resource,
        "TestState": service.trials.test_state,
        "UntagResource": tags.untag_resource,
        "UpdateMapRun": service.map_runs.update,
        "UpdateStateMachine": machines.update,
        "UpdateStateMachineAlias": aliases.update_state_machine_alias,
        "ValidateStateMachineDefinition": service.definitions.validate,
    }


TRACED: Final = frozenset({"StartExecution", "StartSyncExecution"})
"""Operations whose traceHeader gives way to the request's own X-Amzn-Trace-Id (API_StartExecution)."""

ADMITTED: Final = frozenset({"CreateStateMachine", "UpdateStateMachine"})
"""Operations that need a check first: by IAM, and whether a log group exists."""

READS: Final = frozenset(
    {
        *("DescribeActivity", "DescribeExecution", "DescribeMapRun", "DescribeStateMachine"),
        *("DescribeStateMachineAlias", "DescribeStateMachineForExecution", "GetExecutionHistory", "ListActivities"),
        *("ListExecutions", "ListMapRuns", "ListStateMachineAliases", "ListStateMachineVersions", "ListStateMachines"),
        *("ListTagsForResource", "TestState", "ValidateStateMachineDefinition"),
    }
)
"""Operations that change nothing: they are answered even when the state directory cannot be written."""

ANSWERING: Final = frozenset({"SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"})
"""Operations on a token. After a restart its execution may have yet to come to where it waits for the token."""

HISTORY: Final = "GetExecutionHistory"

AT_ONCE: Final = (READS - {"TestState", "ValidateStateMachineDefinition"}) | ANSWERING | {"StartExecution"}
"""Operations that wait for nothing but a commit. Of those that write, what programs ask for many times a second."""
