"""The developer's loop: a saved change is deployed; one that does not parse is reported and changes nothing."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from sfn_emulator.command.dev.watching import files
from tests.processes import ROOT, Process, free_port, running
from tests.waiting import PATIENCE, ended

GOOD = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "one", "End": True}}}


class Loop:
    """A ``dev`` that runs, and the lines it says."""

    def __init__(self, *command: str, cwd: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=cwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def says(self, part: str) -> str:
        """The next line with that in it."""
        while part not in (line := self._lines.get(timeout=PATIENCE)):
            pass
        return line

    def says_in_any_order(self, *parts: str) -> None:
        missing = set(parts)
        while missing:
            line = self._lines.get(timeout=PATIENCE)
            missing -= {part for part in missing if part in line}

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.returncode

    def _read(self) -> None:
        assert self.process.stdout is not None
        try:
            for line in self.process.stdout:
                self._lines.put(line)
        except ValueError:  # it was closed
            return


def save(file: Path, text: str) -> None:
    """At once: whoever looks meanwhile finds the old text or the new one."""
    beside = file.parent.parent / f".{file.name}.new"  # where nobody looks
    beside.write_text(text)
    beside.replace(file)


@pytest.fixture
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        yield process


def test_a_definition_is_deployed_at_each_change_and_a_broken_one_is_told(server: Process, tmp_path: Path) -> None:
    file = tmp_path / "shop.asl.json"
    save(file, json.dumps(GOOD))
    loop = Loop("-m", "sfn_emulator", "dev", str(file), "--endpoint", server.url, cwd=tmp_path)
    arn = loop.says("deployed").split()[2]
    save(file, '{"StartAt": "A",\n "States": {"A": {"Type": "Pass", "Next": "Nowhere"}}}')
    assert ":2:" in loop.says("shop.asl.json:")
    loop.says("the one before it stays")
    machines = server.client("stepfunctions")
    assert json.loads(machines.describe_state_machine(stateMachineArn=arn)["definition"]) == GOOD
    save(file, json.dumps(GOOD).replace("one", "two"))
    loop.says(f"deployed {arn}")
    assert "two" in machines.describe_state_machine(stateMachineArn=arn)["definition"]
    assert loop.stop() == 0


def test_a_server_is_started_where_none_answers_and_what_passes_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "shop.asl.json"
    save(file, json.dumps(GOOD))
    url = f"http://127.0.0.1:{free_port()}"
    loop = Loop("-m", "sfn_emulator", "dev", str(file), "--endpoint", url, cwd=tmp_path)
    arn = loop.says("deployed").split()[2]
    boto3.client(
        "stepfunctions", endpoint_url=url, region_name="us-east-1", aws_access_key_id="t", aws_secret_access_key="t"
    ).start_execution(stateMachineArn=arn, name="order-1")
    assert "SUCCEEDED" in loop.says("shop:order-1 SUCCEEDED")
    loop.stop()


TEMPLATE = """
Parameters:
  Stage: {Type: String}
Resources:
  Price:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: price
      Runtime: python3.12
      Handler: app.handler
      Role: arn:aws:iam::123456789012:role/any
      Code: code
      Environment: {Variables: {STAGE: !Ref Stage}}
  Flow:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: flow
      RoleArn: arn:aws:iam::123456789012:role/any
      DefinitionS3Location: flow.asl.json
      DefinitionSubstitutions: {Price: !GetAtt Price.Arn}
"""
FLOW = """{"StartAt": "Ask",
 "States": {
  "Ask": {"Type": "Task", "Resource": "${Price}", "End": true}}}
"""


def answer(server: Process) -> str:
    """What the flow comes to now."""
    states = server.client("stepfunctions")
    arn = states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    started = states.start_execution(stateMachineArn=arn)["executionArn"]
    return str(ended(states, started).get("output"))


def test_a_template_is_deployed_with_its_code_and_definitions_and_again_at_each_change(
    server: Process, tmp_path: Path
) -> None:
    code, flow, template = tmp_path / "code" / "app.py", tmp_path / "flow.asl.json", tmp_path / "shop.yaml"
    code.parent.mkdir()
    save(code, "import os\ndef handler(e, c):\n    print('asked')\n    return os.environ['STAGE'] + ' 1'")
    save(flow, FLOW)
    save(template, TEMPLATE)
    loop = Loop(
        "-m", "sfn_emulator", "dev", str(template), "--set", "Stage=test", "--endpoint", server.url, cwd=tmp_path
    )
    assert "Flow, Price of stack shop" in loop.says("deployed")
    assert answer(server) == '"test 1"'
    loop.says_in_any_order("flow:", "price: asked")

    save(code, "def handler(e, c):\n    return 2")
    assert "deployed Price of stack shop" in loop.says("deployed")
    assert answer(server) == "2"

    save(flow, FLOW.replace('"End"', '"Next": "Nowhere", "End"'))
    assert "flow.asl.json:3:" in loop.says("flow.asl.json:")
    loop.says("the one before it stays")
    save(flow, FLOW.replace('"End"', '"ResultSelector": {"price.$": "$"}, "End"'))
    assert "deployed Flow of stack shop" in loop.says("deployed")
    assert answer(server) == '{"price":2}'

    save(template, TEMPLATE + "  Q: {Type: AWS::SQS::Queue")
    assert "line " in loop.says("YAML not well-formed")
    save(template, TEMPLATE + "  Q: {Type: AWS::SQS::Queue, Properties: {Colour: red}}")
    assert "[Colour] is not permitted" in loop.says("extraneous key")
    loop.says("the one before it stays")
    save(template, TEMPLATE + "  Q: {Type: AWS::SQS::Queue}")
    assert "deployed Q of stack shop" in loop.says("deployed")

    inner = tmp_path / "inner" / "bus.yaml"
    inner.parent.mkdir()
    save(inner, "Resources: {B: {Type: AWS::SNS::Topic}}")
    nested = "  N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: inner/bus.yaml}}"
    save(template, f"{TEMPLATE}  Q: {{Type: AWS::SQS::Queue}}\n{nested}")
    assert "deployed N of stack shop" in loop.says("deployed")
    save(inner, "Resources: {B: {Type: AWS::SNS::Topic, Properties: {DisplayName: told}}}")
    assert "deployed N of stack shop" in loop.says("deployed")
    assert loop.stop() == 0


def test_the_sagas_own_loop_deploys_what_changed(tmp_path: Path) -> None:
    for name in ("cli.py", "deploy", "handlers", "statemachine", "terminal"):
        place = ROOT / name
        (shutil.copytree if place.is_dir() else shutil.copy)(place, tmp_path / name)
    with running("--in-memory") as server:
        loop = Loop("cli.py", "dev", "--endpoint", server.url, cwd=tmp_path)
        loop.says(" changes (")
        handler = tmp_path / "handlers" / "notifications.py"
        save(handler, handler.read_text() + "\n# changed\n")
        assert "update" in loop.says(" s)")
        definition = tmp_path / "statemachine" / "definition.asl.json"
        save(definition, definition.read_text().replace('"StartAt"', '"StartsAt"', 1))
        loop.says("the last version stays")
        loop.stop()


def test_files_that_are_none_keep_nothing_from_being_found(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("")
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "same").symlink_to("app.py")
    os.mkfifo(tmp_path / "pipe")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).touch()
    assert [path.name for path in files(tmp_path)] == ["app.py", "same"]
