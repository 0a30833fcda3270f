"""The fields that only a Task has: Resource, time limits, Credentials. Also the texts of Fail."""

from typing import Final

from sfn_emulator.asl.integrations import refusal
from sfn_emulator.asl.model import MachineType, Number
from sfn_emulator.asl.parsing.draft import LONGEST, Fields
from sfn_emulator.asl.parsing.queries import amount, path_or_intrinsic, payload, text_or_expression
from sfn_emulator.asl.resource import Family, Pattern, Resource, parse_resource
from sfn_emulator.query.compiled import Compiled

NOT_INTEGRATED: Final = "NOT_INTEGRATED"

_LEFT_OPEN: Final = Resource("", Family.LAMBDA)
"""Stands for a Resource that a substitution will fill in."""


def read_resource(fields: Fields) -> Resource | None:
    """The Resource taken apart. One that does not exist, or not in this type of machine, is reported in AWS's words."""
    arn = fields.text("Resource") if fields.require("Resource") else None
    if arn is None:
        return _LEFT_OPEN if fields.stands_in(fields.raw.get("Resource")) else None
    if fields.stands_in(arn):
        return _LEFT_OPEN
    resource = parse_resource(arn)
    if resource is None:
        fields.error("Resource", unrecognized(arn), "ARN")
        return None
    if fields.draft.machine_type is MachineType.EXPRESS and not _fits_express(fields, resource):
        return None
    why = unrecognized(arn) if refusal(resource) else None
    if why is None and fields.draft.supports is not None:
        why = fields.draft.supports(resource)
    if why is not None:
        fields.error("Resource", why, "ARN")
        return None
    _warn(fields, resource)
    return resource


def _warn(fields: Fields, resource: Resource) -> None:
    told = None if fields.draft.doubts is None else fields.draft.doubts(resource)
    if told is not None:
        fields.draft.report.warning(fields.at("Resource"), told, NOT_INTEGRATED)


def check_parameters(fields: Fields, resource: Resource) -> None:
    """Reports the faults of the parameters that every input would meet, if the draft has a runner that knows them."""
    key = "Arguments" if fields.state.jsonata else "Parameters"
    given = fields.raw.get(key)
    if fields.draft.misfits is not None and isinstance(given, dict):
        for message in fields.draft.misfits(resource, given):
            fields.error(key, message)


def unrecognized(arn: str) -> str:
    """AWS's words (recorded)."""
    return (
        f"The resource provided {arn} is not recognized. The value is not a valid resource ARN, "
        "or the resource is not available in this region."
    )


def _fits_express(fields: Fields, resource: Resource) -> bool:
    """AWS's words (recorded 2025-10-19). The message about an integration ends with a blank (see Problem)."""
    if resource.family is Family.ACTIVITY:
        fields.error("Resource", "Express state machine does not support Activity ARN", "EXPRESS")
        return False
    if resource.pattern is Pattern.REQUEST_RESPONSE:
        return True
    message = f"Express state machine does not support '{resource.pattern.value}' service integration "
    fields.error("Resource", message, "EXPRESS")
    return False


def read_limits(fields: Fields) -> tuple[Number | None, Number | None]:
    """TimeoutSeconds and HeartbeatSeconds. The heartbeat must be shorter."""
    timeout = amount(fields, "TimeoutSeconds", 1, LONGEST)
    heartbeat = amount(fields, "HeartbeatSeconds", 1, LONGEST)
    if type(heartbeat) is int and type(timeout) is int and heartbeat >= timeout:
        message = "The value of HeartbeatSeconds must be smaller than the value of TimeoutSeconds"
        fields.error("HeartbeatSeconds", message)
    return timeout, heartbeat


def read_credentials(fields: Fields) -> Compiled | None:
    """Credentials as a payload template; its RoleArn is required."""
    credentials = fields.object("Credentials")
    if credentials is None:
        return None
    dynamic = not fields.state.jsonata and "RoleArn.$" in credentials
    if not dynamic and "RoleArn" not in credentials:
        credentials.refuse("The field 'RoleArn' is required but was missing")
    elif not dynamic:
        credentials.text("RoleArn")
    return payload(fields, "Credentials")


def read_error_text(fields: Fields, key: str) -> str | Compiled | None:
    """A Fail state's Error or Cause: literal, …Path with a path or intrinsic, or a JSONata expression."""
    by_path = key + "Path"
    if not fields.state.jsonata and by_path in fields:
        fields.at_most_one(key, by_path)
        return path_or_intrinsic(fields, by_path)
    if fields.state.jsonata and key in fields:
        return text_or_expression(fields, key)
    text = fields.text(key)
    if text is not None and text.startswith(("$.", "$$.")):
        message = f"The value of '{key}' looks like a path but the field's name does not end with 'Path'"
        fields.draft.report.warning(fields.at(key), message, "NO_PATH")
    return text
