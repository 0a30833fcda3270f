"""A server that is killed in the middle of a deployment: the next one goes on or rolls back, and nothing is left."""

import json
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.cloud.stacks.stacks import CAPABILITIES, ROLE, Stack, machine
from tests.processes import Process, running
from tests.waiting import until

SILENT = (
    "import cfnresponse\n"
    "def handler(e, c):\n"
    "    if e['RequestType'] == 'Delete' or not e['ResourceProperties'].get('Silent'):\n"
    "        cfnresponse.send(e, c, 'SUCCESS', {}, 'it')\n"
)


def template(*, silent: bool, seconds: int) -> str:
    """Queue, machine and topic around a custom resource that answers nothing when it is to be silent."""
    function: dict[str, Any] = {"Runtime": "python3.12", "Handler": "index.handler", "Role": ROLE, "Timeout": 300}
    function["Code"] = {"ZipFile": SILENT}
    resources: dict[str, Any] = {
        "Q": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": seconds}},
        "F": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Thing": {
            "Type": "Custom::Thing",
            "DependsOn": ["Q", "M"],
            "Properties": {
                "ServiceToken": {"Fn::GetAtt": ["F", "Arn"]},
                "N": seconds,
                **({"Silent": "yes"} if silent else {}),
            },
        },
        "M": machine(),
        "T": {"Type": "AWS::SNS::Topic", "DependsOn": "Thing"},
    }
    return json.dumps({"Resources": resources})


def begun(server: Process, call: str, body: str) -> None:
    """The call, and then the moment at which the stack waits for its custom resource."""
    api = server.client("cloudformation")
    earlier = {row["EventId"] for row in _events(api)}

    def called() -> None:
        with suppress(BotoCoreError):  # its answer is held back until the server is killed
            getattr(api, call)(StackName="killed", TemplateBody=body, Capabilities=CAPABILITIES)

    Thread(target=called, daemon=True).start()
    until(
        lambda: any(
            row["LogicalResourceId"] == "Thing" and row["ResourceStatus"].endswith("_IN_PROGRESS")
            for row in _events(api)
            if row["EventId"] not in earlier
        )
    )


def _events(api: Any) -> list[dict[str, Any]]:
    try:
        return list(api.describe_stack_events(StackName="killed")["StackEvents"])
    except ClientError:
        return []


def resumed(server: Process) -> Stack:
    api = server.client("cloudformation")
    return Stack(api, "killed", api.describe_stacks(StackName="killed")["Stacks"][0]["StackId"]).waited()


def left(server: Process) -> list[Any]:
    return [
        server.client("sqs").list_queues().get("QueueUrls", []),
        server.client("sns").list_topics()["Topics"],
        server.client("stepfunctions").list_state_machines()["stateMachines"],
        server.client("lambda").list_functions()["Functions"],
    ]


def test_a_create_that_was_killed_rolls_back_and_leaves_nothing(tmp_path: Path) -> None:
    with running("--state-dir", str(tmp_path)) as server:
        begun(server, "create_stack", template(silent=True, seconds=10))
        server.kill()
    with running("--state-dir", str(tmp_path)) as server:
        stack = resumed(server)
        assert stack.status == "ROLLBACK_COMPLETE", stack.events()
        assert left(server) == [[], [], [], []]
        assert "stopped" in next(reason for _, status, reason in stack.events() if status == "ROLLBACK_IN_PROGRESS")


def test_an_update_that_was_killed_goes_back_to_what_was(tmp_path: Path) -> None:
    with running("--state-dir", str(tmp_path)) as server:
        api = server.client("cloudformation")
        api.create_stack(StackName="killed", TemplateBody=template(silent=False, seconds=10), Capabilities=CAPABILITIES)
        resumed(server)
        begun(server, "update_stack", template(silent=True, seconds=20))
        server.kill()
    with running("--state-dir", str(tmp_path)) as server:
        stack = resumed(server)
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE", stack.events()
        queue = stack.physical("Q")
        told = server.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])
        assert told["Attributes"] == {"VisibilityTimeout": "10"}
        assert stack.delete().status == "DELETE_COMPLETE", stack.events()
        assert left(server) == [[], [], [], []]
