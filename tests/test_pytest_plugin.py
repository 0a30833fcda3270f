"""The fixtures people get with the package, used the way they would use them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from sfn_emulator.errors import DefinitionError

WAITING = {
    "StartAt": "Wait",
    "States": {
        "Wait": {"Type": "Wait", "Seconds": "${Seconds}", "Next": "Work"},
        "Work": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:Work", "End": True},
    },
}
HALF_A_YEAR = 15_768_000


def test_a_definition_runs_in_virtual_time_with_its_substitutions(state_machine: Any) -> None:
    execution = state_machine(WAITING, {"Seconds": HALF_A_YEAR})({"n": 1}, tasks={"Work": lambda given: given["n"] + 1})
    assert (execution.status, execution.output) == ("SUCCEEDED", 2)
    assert execution.events[-1].at - execution.events[0].at == HALF_A_YEAR


def test_a_definition_is_read_from_a_file(state_machine: Any, tmp_path: Path) -> None:
    file = tmp_path / "one.asl.json"
    file.write_text('{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}')
    assert state_machine(file)({"kept": True}).output == {"kept": True}


def test_a_broken_definition_tells_all_its_problems(state_machine: Any) -> None:
    with pytest.raises(DefinitionError) as refused:
        state_machine({"StartAt": "A", "States": {"A": {"Type": "Pass"}, "B": {"Type": "Wait", "End": True}}})
    assert len(refused.value.problems) > 1


@pytest.mark.parametrize(
    "mistake",
    [
        lambda make: make(WAITING),
        lambda make: make(WAITING, {"Seconds": 1})(tasks={"Play": []}),
        lambda make: make("StartAt: A\nStates: [\n"),
    ],
    ids=["a name left over", "no such state", "no YAML"],
)
def test_a_mistake_is_told_once(state_machine: Any, mistake: Any) -> None:
    """What pytest prints below "During handling of the above exception" would be the same message again."""
    with pytest.raises(pytest.fail.Exception) as told:
        mistake(state_machine)
    assert "During handling" not in str(told.getrepr(style="value"))


def test_the_endpoint_serves_step_functions_and_its_neighbours(sfn_client: Any) -> None:
    states, tables = sfn_client("stepfunctions"), sfn_client("dynamodb")
    made = states.create_state_machine(
        name="plugin",
        definition='{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 3600, "End": true}}}',
        roleArn="arn:aws:iam::123456789012:role/any",
    )
    started = states.start_execution(stateMachineArn=made["stateMachineArn"])
    while (told := states.describe_execution(executionArn=started["executionArn"]))["status"] == "RUNNING":
        pass
    assert (told["stopDate"] - told["startDate"]).total_seconds() >= 3600
    assert tables.list_tables()["TableNames"] == []


@pytest.mark.parametrize("options", [{}, {"config": Config(read_timeout=50)}])
def test_a_client_reaches_what_has_a_host_prefix_on_aws(sfn_client: Any, options: dict[str, Any]) -> None:
    told = sfn_client("stepfunctions", **options).test_state(definition='{"Type": "Pass", "End": true}', input='"in"')
    assert (told["status"], told["output"]) == ("SUCCEEDED", '"in"')


def test_the_endpoint_forgets_when_it_is_told_to(sfn_client: Any, sfn_reset: Any) -> None:
    tables, queues = sfn_client("dynamodb"), sfn_client("sqs")
    queues.create_queue(QueueName="q")
    sfn_reset("dynamodb")
    assert len(queues.list_queues()["QueueUrls"]) == 1
    sfn_reset()
    assert (queues.list_queues().get("QueueUrls"), tables.list_tables()["TableNames"]) == (None, [])


def test_the_plugin_costs_a_session_nothing_until_it_is_used() -> None:
    look = "import sys, sfn_emulator.pytest_plugin; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout.split()
    )
    assert "sfn_emulator.pytest_plugin" in loaded
    assert not {"boto3", "moto", "jsonata", "sfn_emulator.engine.local.execution"} & loaded


def test_a_definition_is_read_from_yaml(state_machine: Any, tmp_path: Path) -> None:
    text = "StartAt: A\nStates:\n  A:\n    Type: Pass\n    End: true\n"
    file = tmp_path / "one.asl.yaml"
    file.write_text(text)
    assert state_machine(file)({"kept": True}).output == {"kept": True}
    assert state_machine(text)({"kept": True}).output == {"kept": True}
