"""Deploys a template as a stack: makes it if it is missing, else updates it.

The whole template is sent each time, and CloudFormation works out the difference. So a failed change is rolled back,
and an alias moves to the new version (decision 0039).
"""

import json
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from sfn_emulator.cloud.stacks.errors import StackError
from sfn_emulator.cloud.stacks.template.text import parsed
from sfn_emulator.command.dev.machine import NotDeployedError
from sfn_emulator.command.dev.parcels import BUCKET, Parcels
from sfn_emulator.command.files import text_of
from sfn_emulator.command.help_page import Failure
from sfn_emulator.lint.findings import CREATE, in_file
from sfn_emulator.lint.formats import line
from sfn_emulator.lint.templates import is_template

_CAPABILITIES: Final = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_LOOK_EVERY: Final = 0.05
_GONE: Final = ("ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", "CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_FAILED")
"""States from which a stack can only be removed."""


def is_stack(file: Path) -> bool:
    """Whether a file is a template. One that can't be read counts as a definition, whose error message says why."""
    text = text_of(file)
    if "Resources" not in text:
        return False
    try:
        return is_template(parsed(text))
    except StackError:
        return "\nResources:" in f"\n{text}"


class DevStack:
    """``clients(service)`` gives a boto3 client; ``names`` are the template's parameters as NAME=VALUE."""

    def __init__(self, clients: Any, file: Path, name: str, names: tuple[str, ...]) -> None:
        self._api, self._s3 = clients("cloudformation"), clients("s3")
        self._file, self._name, self._names = file, name, names
        self._places = [file.resolve()]
        self._url = self._s3.meta.endpoint_url
        self._parcels = Parcels(self._url, self._put)

    def places(self) -> list[Path]:
        return self._places

    def deployed(self, changed: set[Path]) -> str:
        """What was deployed, in words. Raises ``NotDeployedError``, and the client's errors."""
        try:
            parameters = self._parameters(parsed(text_of(self._file)))
            errors = [finding for finding in in_file(self._file, asked=CREATE) if finding.is_error]
            if errors:
                raise NotDeployedError("\n".join(map(line, errors)))
            template, self._places = self._parcels.packed(self._file, changed)
        except StackError as error:
            raise NotDeployedError(f"{self._file}: {error.message}") from None
        return self._put_stack(json.dumps(template), parameters)

    def _parameters(self, template: dict[str, Any]) -> list[dict[str, str]]:
        given = dict(name.partition("=")[::2] for name in self._names)
        unknown = sorted(set(given) - set(template.get("Parameters") or {}))
        if unknown:
            raise NotDeployedError(f"{self._file}: the template has no parameter {', '.join(unknown)}")
        return [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]

    def _put_stack(self, body: str, parameters: list[dict[str, str]]) -> str:
        self._put("template", body.encode())
        call = {
            "StackName": self._name,
            "TemplateURL": f"{self._url}/{BUCKET}/template",
            "Parameters": parameters,
            "Capabilities": _CAPABILITIES,
        }
        if self._status() in (None, *_GONE):
            self._removed()
            self._api.create_stack(**call)
        else:
            known = {row["EventId"] for row in self._events()}
            try:
                self._api.update_stack(**call)
            except self._api.exceptions.ClientError as error:
                if "No updates are to be performed" in str(error):
                    return f"nothing of stack {self._name}: it is as the template says"
                raise
            return self._waited(known)
        return self._waited(set())

    def _waited(self, known: set[str]) -> str:
        """The names of the resources that were made or changed. Raises ``NotDeployedError`` with the reason why a
        resource failed.
        """
        status = self._settled()
        rows = [row for row in self._events() if row["EventId"] not in known][::-1]
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise NotDeployedError("\n".join(_failures(rows)) or f"{self._name}: {status}")
        done = {row["LogicalResourceId"] for row in rows if row["ResourceStatus"].endswith("_COMPLETE")}
        return f"{', '.join(sorted(done - {self._name})) or 'nothing'} of stack {self._name}"

    def _removed(self) -> None:
        if self._status() is not None:
            self._api.delete_stack(StackName=self._name)
            self._settled()

    def _settled(self) -> str | None:
        pause = threading.Event()
        while (status := self._status()) is not None and status.endswith("_IN_PROGRESS"):
            pause.wait(_LOOK_EVERY)
        return status

    def _status(self) -> str | None:
        try:
            return str(self._api.describe_stacks(StackName=self._name)["Stacks"][0]["StackStatus"])
        except self._api.exceptions.ClientError:
            return None

    def _events(self) -> list[dict[str, Any]]:
        pages = self._api.get_paginator("describe_stack_events").paginate(StackName=self._name)
        return [row for page in pages for row in page["StackEvents"]]

    def _put(self, key: str, content: bytes) -> None:
        try:
            self._s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        except self._s3.exceptions.NoSuchBucket:
            self._s3.create_bucket(Bucket=BUCKET)
            self._s3.put_object(Bucket=BUCKET, Key=key, Body=content)


def _failures(rows: Iterable[dict[str, Any]]) -> list[str]:
    return [
        f"{row['LogicalResourceId']} ({row['ResourceType']}): {row.get('ResourceStatusReason', '')}"
        for row in rows
        if row["ResourceStatus"].endswith("_FAILED") and "cancelled" not in row.get("ResourceStatusReason", "")
    ]


def stack_name(file: Path) -> str:
    """A stack's name from a file's: letters, digits and hyphens. Raises ``Failure``."""
    folder = file.resolve().parent.name if file.name.partition(".")[0] == "template" else file.name.partition(".")[0]
    made = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in folder).strip("-")
    if not made or not made[0].isalpha():
        raise Failure(f"the stack's name can't be made from '{folder}'; give one with --name")
    return made[:128]
