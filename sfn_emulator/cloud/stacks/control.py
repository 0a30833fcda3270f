"""Cloud Control, as far as deploying tools use it: reads, changes and lists resources that stacks have made.

A resource is found by the identifier its schema names, among those that stacks hold. As on AWS, a change does not reach
its stack's record: the next update of the stack is compared with the template.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from sfn_emulator.cloud.requests.message import Reply, Request, json_error, json_reply
from sfn_emulator.cloud.stacks.deploying.surroundings import attribute
from sfn_emulator.cloud.stacks.errors import ResourceError, StackError
from sfn_emulator.cloud.stacks.records import Resource, Stack
from sfn_emulator.cloud.stacks.resources.kind import Hands, Standing
from sfn_emulator.cloud.stacks.resources.schema import attributes, checked, identifiers
from sfn_emulator.cloud.stacks.resources.table import is_known, kind_of
from sfn_emulator.cloud.stacks.service import StackService


class ControlError(Exception):
    """A refusal in Cloud Control's words."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class ControlApi:
    """Blocking, from any thread."""

    def __init__(self, service: StackService) -> None:
        self._service = service
        self._done: dict[str, Mapping[str, Any]] = {}

    def answer(self, region: str, request: Request) -> Reply:
        """The reply to any request for Cloud Control (AWS JSON 1.0)."""
        name = request.headers.get("x-amz-target", "").rpartition(".")[2]
        operation = self._operations().get(name)
        try:
            if operation is None:
                raise ControlError("UnsupportedActionException", f"Cloud Control's {name} is not done here.")
            return json_reply(200, operation(region, orjson.loads(request.body or b"{}")))
        except ControlError as error:
            return json_error(400, error.code, str(error))
        except (ValueError, KeyError) as error:
            return json_error(400, "InvalidRequestException", f"The request can't be read: {error}")

    def _operations(self) -> Mapping[str, Callable[[str, Mapping[str, Any]], Mapping[str, Any]]]:
        return {
            "GetResource": self._get,
            "ListResources": self._list,
            "UpdateResource": self._update,
            "GetResourceRequestStatus": self._status,
        }

    def _get(self, region: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
        _, row = self._found(region, told["TypeName"], told["Identifier"])
        return {"TypeName": row.type, "ResourceDescription": _described(row)}

    def _list(self, region: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
        rows = [_described(row) for _, row in self._standing(region) if row.type == told["TypeName"]]
        return {"TypeName": told["TypeName"], "ResourceDescriptions": rows}

    def _update(self, region: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
        stack, row = self._found(region, told["TypeName"], told["Identifier"])
        token = self._service.world.new_id()
        event = {
            "TypeName": row.type,
            "Identifier": told["Identifier"],
            "RequestToken": token,
            "Operation": "UPDATE",
            "EventTime": self._service.books.now(),
        }
        self._done[token] = {**event, **self._changed(stack, row, orjson.loads(told["PatchDocument"]))}
        return {"ProgressEvent": self._done[token]}

    def _changed(self, stack: Stack, row: Resource, patches: list[Mapping[str, Any]]) -> Mapping[str, Any]:
        kind = kind_of(row.type)
        if kind.update is None:
            raise ControlError("UnsupportedActionException", f"Resource type {row.type} can't be changed in place.")
        hands = Hands(
            self._service.world, stack.region, stack.name, stack.id, row.logical, row.type, {}, lambda physical: None
        )
        standing = Standing(row.logical, row.type, row.physical, row.properties, row.attributes)
        try:
            kind.update(hands, standing, checked(row.type, row.logical, patched(dict(row.properties), patches)))
        except ResourceError as error:
            return {"OperationStatus": "FAILED", "ErrorCode": "InvalidRequest", "StatusMessage": str(error)}
        return {"OperationStatus": "SUCCESS"}

    def _status(self, region: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
        event = self._done.get(told["RequestToken"])
        if event is None:
            text = f"Request with token {told['RequestToken']} was not found"
            raise ControlError("RequestTokenNotFoundException", text)
        return {"ProgressEvent": event}

    def _found(self, region: str, kind: str, identifier: str) -> tuple[Stack, Resource]:
        if not is_known(kind):
            raise ControlError("TypeNotFoundException", f"The type '{kind}' cannot be found.")
        for stack, row in self._standing(region):
            if row.type == kind and identifier in (identifier_of(row), row.physical):
                return stack, row
        text = f"Resource of type '{kind}' with identifier '{identifier}' was not found."
        raise ControlError("ResourceNotFoundException", text)

    def _standing(self, region: str) -> Iterator[tuple[Stack, Resource]]:
        for stack in self._service.books.stacks(region):
            if not stack.is_gone:
                rows = self._service.books.resources(stack.id).values()
                yield from ((stack, row) for row in rows if row.physical and row.status != "DELETE_COMPLETE")


def identifier_of(row: Resource) -> str:
    """The primary identifier: its parts in the schema's order, separated by ``|``."""
    parts = []
    for name in identifiers(row.type):
        try:
            parts.append(str(attribute(row, name)))
        except (StackError, ResourceError):
            parts.append(row.physical)
    return "|".join(parts) or row.physical


def _described(row: Resource) -> Mapping[str, Any]:
    told = {name: value for name, value in row.attributes.items() if name in attributes(row.type)}
    return {"Identifier": identifier_of(row), "Properties": orjson.dumps({**row.properties, **told}).decode()}


def patched(value: Any, patches: list[Mapping[str, Any]]) -> Any:
    """``value`` after JSON Patch's add, replace and remove (RFC 6902). Raises ``ControlError`` for another
    operation.
    """
    whole = {"": orjson.loads(orjson.dumps(value))}
    for patch in patches:
        holder: Any = whole
        *above, last = ["", *(part.replace("~1", "/").replace("~0", "~") for part in patch["path"].split("/")[1:])]
        for part in above:
            holder = holder[int(part) if isinstance(holder, list) else part]
        _apply(holder, last, patch)
    return whole[""]


def _apply(holder: Any, key: str, patch: Mapping[str, Any]) -> None:
    operation = patch["op"]
    if operation == "remove":
        del holder[int(key) if isinstance(holder, list) else key]
    elif operation not in ("add", "replace"):
        raise ControlError("InvalidRequestException", f"The patch operation '{operation}' is not done here.")
    elif isinstance(holder, list) and operation == "add":
        holder.insert(len(holder) if key == "-" else int(key), patch["value"])
    else:
        holder[int(key) if isinstance(holder, list) else key] = patch["value"]
