"""Deploying small functions in tests."""

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from tests.processes import Process

ROLE = "arn:aws:iam::123456789012:role/worker"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def bundle(**sources: str) -> bytes:
    """A zip with one module per keyword."""
    return archive({f"{name}.py": source for name, source in sources.items()})


def archive(files: Mapping[str, str]) -> bytes:
    """A zip of these files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for name, text in files.items():
            made.writestr(name, text)
    return content.getvalue()


def make_role(server: Process) -> None:
    server.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)


LONG = 300
"""Seconds a function may take that is to end by itself: the three of Lambda's default are few on a loaded machine."""


def deploy(server: Process, name: str, source: str, handler: str = "app.handler", **settings: Any) -> str:
    """Deploys a function of one module ``app``; its ARN."""
    made = server.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=ROLE,
        Handler=handler,
        Code={"ZipFile": bundle(app=source)},
        **{"Timeout": LONG, **settings},
    )
    return str(made["FunctionArn"])


def invoke(server: Process, name: str, event: Any = None, **options: Any) -> tuple[Any, str | None]:
    """The payload, parsed, and the function error."""
    payload = {} if event is None else {"Payload": json.dumps(event)}
    told = server.client("lambda").invoke(FunctionName=name, **payload, **options)
    text = told["Payload"].read()
    return json.loads(text) if text else None, told.get("FunctionError")
