"""Real clients behind one interface: an operation and its members go in, the answer or the refusal comes out."""

import io
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Protocol

from awscli.clidriver import create_clidriver
from botocore import xform_name
from botocore.exceptions import ClientError

from tests.processes import Process
from tests.waiting import PATIENCE

NODE = Path(__file__).parent / "node"
SURROUNDINGS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
}


class Refused(Exception):  # noqa: N818 -- it is what a client gets, not what went wrong here
    """``of_its_own_class``: the client has a class for this error, and raised it."""

    def __init__(self, code: str, message: str, status: int = 400, *, of_its_own_class: bool = True) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.of_its_own_class = of_its_own_class
        super().__init__(f"{code}: {message}")


class Speaker(Protocol):
    def __call__(self, operation: str, **told: Any) -> dict[str, Any]:
        """Raises ``Refused``."""


class Boto:
    """boto3."""

    def __init__(self, server: Process, region: str = "us-east-1") -> None:
        self.client = server.client("stepfunctions", region, inject_host_prefix=False)

    def __call__(self, operation: str, **told: Any) -> dict[str, Any]:
        try:
            answer = getattr(self.client, xform_name(operation))(**told)
        except ClientError as error:
            raise Refused(error.response["Error"]["Code"], error.response["Error"]["Message"]) from None
        answer.pop("ResponseMetadata")
        return dict(answer)


class CommandLine:
    """The AWS CLI in this process: its own parser of arguments, its own printing."""

    def __init__(self, server: Process) -> None:
        self._url = server.url
        self._driver = create_clidriver()
        self.region = "us-east-1"

    def __call__(self, operation: str, **told: Any) -> dict[str, Any]:
        out, error = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(error):
            status = self._driver.main([*words(operation, told), "--endpoint-url", self._url, "--region", self.region])
        if status:
            told = _TOLD.search(error.getvalue().strip())
            assert told, error.getvalue()
            raise Refused(told[1], told[2])
        return dict(json.loads(out.getvalue())) if out.getvalue().strip() else {}


_TOLD = re.compile(r"An error occurred \((\w+)\) when calling the \w+ operation(?: \(.*?\))?: (.*)", re.DOTALL)

RENAMED = {("SendTaskSuccess", "output"): "task-output"}
"""Options that the CLI names differently, because ``--output`` is its own."""


def words(operation: str, told: Mapping[str, Any]) -> list[str]:
    """The command line of a call, as one types it: ``stepfunctions start-execution --name n``."""
    line = ["stepfunctions", xform_name(operation, "-")]
    for name, value in told.items():
        option = f"--{RENAMED.get((operation, name)) or xform_name(name, '-')}"
        if isinstance(value, bool):
            line.append(option if value else f"--no-{option[2:]}")
        else:
            line += [option, value if isinstance(value, str) else json.dumps(value)]
    return line


class JavaScript:
    """The AWS SDK for JavaScript in a node process of its own."""

    def __init__(self, server: Process) -> None:
        self.region = "us-east-1"
        command = ["node", "--no-warnings", "client.mjs", server.url]
        self.process = subprocess.Popen(command, cwd=NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, operation: str, **told: Any) -> dict[str, Any]:
        return dict(self.ask("call", operation, told))

    def ask(self, *words: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps([self.region, *words]) + "\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        if "error" in told:
            error = told["error"]
            raise Refused(error["name"], error["message"], error["status"], of_its_own_class=error["known"])
        return told["answer"]

    def close(self) -> None:
        self.process.communicate(timeout=PATIENCE)


def why_no_javascript() -> str:
    """Why the JavaScript SDK cannot be tried here; empty when it can."""
    if shutil.which("node") is None:
        return "there is no node on this machine"
    if not (NODE / "node_modules" / "@aws-sdk" / "client-sfn").is_dir():
        return "@aws-sdk/client-sfn is not installed: npm ci --prefix tests/clients/node"
    return ""


@contextmanager
def javascript(server: Process) -> Iterator[JavaScript]:
    speaker = JavaScript(server)
    try:
        yield speaker
    finally:
        speaker.close()
