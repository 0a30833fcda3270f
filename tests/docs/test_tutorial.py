"""The tutorial, followed word by word in an empty folder."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import boto3
import pytest

from tests.docs.blocks import Block, blocks
from tests.processes import ROOT, free_port
from tests.waiting import PATIENCE, until

TUTORIAL = ROOT / "docs" / "tutorial.md"
PORT = "8083"


class Reader:
    """Somebody who saves what is to be saved and runs what is to be run, on a port that is free here."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self.folder = folder
        self.running = running
        self.environment = shell(folder.parent / "bin")
        self.exports = ""
        self.printed = ""

    def follow(self, block: Block) -> None:
        if block.language == "text":
            missing = [line for line in block.text.splitlines() if line.strip() not in self.printed]
            assert not missing, f"line {block.line}: {missing} in\n{self.printed}"
        elif block.language == "sh":
            self._run(block)
        else:
            (self.folder / block.told).write_text(block.text)

    def _run(self, block: Block) -> None:
        text = block.text.replace(PORT, self.environment["SFN_EMULATOR_PORT"])
        if block.told == "in the background":
            self.running.enter_context(_server(text, self.folder, self.environment))
            return
        if block.told == "after both have ended":
            _wait_for_the_end(self.environment["SFN_EMULATOR_PORT"])
        if text.startswith("export "):
            self.exports += text
        done = subprocess.run(
            ["sh", "-e"],
            cwd=self.folder,
            env=self.environment,
            input=self.exports + text,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, f"line {block.line}: {text}\n{done.stdout}\n{done.stderr}"
        self.printed = done.stdout


def shell(programs: Path) -> dict[str, str]:
    """The environment of a shell in which the package is installed, though here it is a checkout."""
    front_door = programs / "sfn-emulator"
    programs.mkdir()
    front_door.write_text(f'#!/bin/sh\nexec {sys.executable} -m sfn_emulator "$@"\n')
    front_door.chmod(0o755)
    port = str(free_port())
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SFN_", "PYTEST"))}
    return kept | {
        "PATH": os.pathsep.join((str(front_door.parent), str(Path(sys.executable).parent), kept["PATH"])),
        "PYTHONPATH": str(ROOT),
        "PYTEST_PLUGINS": "sfn_emulator.pytest_plugin",
        "SFN_EMULATOR_PORT": port,
    }


@contextmanager
def _server(command: str, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    server = subprocess.Popen(
        ["sh", "-c", f"exec {command}"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    with server:
        assert server.stdout is not None
        try:
            assert server.stdout.readline().startswith("ready http://127.0.0.1:")
            yield
        finally:
            server.terminate()


def _wait_for_the_end(port: str) -> None:
    client = boto3.client(
        "stepfunctions",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    machine = client.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    until(lambda: not client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"])


def test_the_tutorial_works_as_it_stands(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    steps = [block for block in blocks(TUTORIAL) if block.why_not is None]
    assert {block.told for block in steps} >= {"machine.asl.json", "price.py", "test_machine.py", "deploy.py"}
    with ExitStack() as running:
        reader = Reader(folder, running)
        for block in steps:
            reader.follow(block)


@pytest.mark.parametrize("block", [block for block in blocks(TUTORIAL) if block.why_not], ids=lambda block: block.line)
def test_a_block_that_is_not_run_says_why(block: Block) -> None:
    assert len(block.why_not or "") > 10
