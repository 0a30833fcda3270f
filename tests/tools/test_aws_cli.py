"""AWS CLI: `package` and `deploy`, an update, an update that fails, and what it says of each."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud.stacks.stacks import machine
from tests.processes import Process, running

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        yield process


def deploy(server: Process, path: Path, template: object) -> subprocess.CompletedProcess[str]:
    threading.Event().wait(1)  # the CLI names a change set by the second it is made in
    path.write_text(json.dumps(template))
    command = [sys.executable, "-m", "awscli", "cloudformation", "deploy", "--stack-name", "cli"]
    return subprocess.run(
        [*command, "--template-file", str(path)],
        env={**os.environ, **KEYS, "AWS_ENDPOINT_URL": server.url},
        capture_output=True,
        text=True,
    )


def test_the_cli_deploys_updates_and_is_told_why_an_update_failed(server: Process, tmp_path: Path) -> None:
    path = tmp_path / "template.json"
    template = {"Resources": {"M": machine()}, "Outputs": {"Arn": {"Value": {"Ref": "M"}}}}
    assert "Successfully created/updated stack - cli" in deploy(server, path, template).stdout
    assert "No changes to deploy" in deploy(server, path, template).stderr
    template["Resources"]["M"] = machine(DefinitionString='{"StartAt": "No"}')
    failed = deploy(server, path, template)
    assert failed.returncode != 0 and "Failed to create/update the stack" in failed.stderr
    api = server.client("cloudformation")
    assert api.describe_stacks(StackName="cli")["Stacks"][0]["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    events = api.describe_stack_events(StackName="cli")["StackEvents"]
    assert any("SCHEMA_VALIDATION_FAILED" in row.get("ResourceStatusReason", "") for row in events)
