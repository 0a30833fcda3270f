"""Stacks as a client deploys them: templates in, states, outputs and events out."""

import itertools
import json
from collections.abc import Mapping
from typing import Any

from tests.processes import Process
from tests.waiting import until

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
PASS = '{"StartAt":"Z","States":{"Z":{"Type":"Succeed"}}}'
ROLE = "arn:aws:iam::123456789012:role/any"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_NUMBERS = itertools.count()


def machine(**more: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": ROLE, "DefinitionString": PASS, **more},
    }


class Stacks:
    """``create`` and ``update`` wait until the stack stands."""

    def __init__(self, server: Process) -> None:
        self.server = server
        self.api = server.client("cloudformation")

    def client(self, service: str) -> Any:
        return self.server.client(service)

    def create(self, resources: Mapping[str, Any], **more: Any) -> "Stack":
        name = f"stack{next(_NUMBERS)}"
        template, options = _split(resources, more)
        told = self.api.create_stack(StackName=name, TemplateBody=template, Capabilities=CAPABILITIES, **options)
        return Stack(self.api, name, told["StackId"]).waited()


class Stack:
    def __init__(self, api: Any, name: str, stack_id: str) -> None:
        self.api, self.name, self.id = api, name, stack_id

    def waited(self) -> "Stack":
        try:
            until(lambda: not self.status.endswith("_IN_PROGRESS"))
        except AssertionError:
            raise AssertionError(self.events()) from None
        return self

    def update(self, resources: Mapping[str, Any], **more: Any) -> "Stack":
        template, options = _split(resources, more)
        self.api.update_stack(StackName=self.name, TemplateBody=template, Capabilities=CAPABILITIES, **options)
        return self.waited()

    def delete(self) -> "Stack":
        self.api.delete_stack(StackName=self.name)
        return self.waited()

    @property
    def told(self) -> Mapping[str, Any]:
        return self.api.describe_stacks(StackName=self.id)["Stacks"][0]

    @property
    def status(self) -> str:
        return str(self.told["StackStatus"])

    @property
    def outputs(self) -> dict[str, str]:
        return {row["OutputKey"]: row["OutputValue"] for row in self.told.get("Outputs", [])}

    def events(self) -> list[tuple[str, str, str]]:
        """Oldest first: logical id, status, reason."""
        rows = self.api.describe_stack_events(StackName=self.id)["StackEvents"]
        return [(r["LogicalResourceId"], r["ResourceStatus"], r.get("ResourceStatusReason", "")) for r in rows[::-1]]

    def reason(self, logical: str) -> str:
        """Why a resource failed."""
        return next(reason for name, status, reason in self.events() if name == logical and "FAILED" in status)

    def physical(self, logical: str) -> str:
        told = self.api.describe_stack_resource(StackName=self.id, LogicalResourceId=logical)
        return str(told["StackResourceDetail"]["PhysicalResourceId"])


def _split(resources: Mapping[str, Any], more: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Sections of the template go into it, all else to the call."""
    sections = ("Outputs", "Parameters", "Conditions", "Mappings", "Transform", "Rules", "Description")
    template = {"Resources": resources, **{name: more[name] for name in sections if name in more}}
    given = more.get("given") or {}
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    options = {name: value for name, value in more.items() if name not in (*sections, "given")}
    return json.dumps(template), {**options, "Parameters": parameters}
