"""The reading operations: stacks, their resources, events, exports and templates."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from sfn_emulator.cloud.stacks.deploying.submission import (
    body_of,
    capabilities_needed,
    checked_version,
)
from sfn_emulator.cloud.stacks.deploying.surroundings import scope_of, template_of
from sfn_emulator.cloud.stacks.errors import StackError
from sfn_emulator.cloud.stacks.operations import told as tell
from sfn_emulator.cloud.stacks.operations.stacks import Caller, Given, new_stack
from sfn_emulator.cloud.stacks.records import Resource, Stack, Version
from sfn_emulator.cloud.stacks.template.model import Template, read, transforms
from sfn_emulator.cloud.stacks.template.text import parsed

_PAGE: Final = 100


def page(rows: Sequence[Any], told: Given, size: int = _PAGE) -> tuple[list[Any], dict[str, str]]:
    """A page of rows, and the ``NextToken`` of the next one. Raises ``StackError``."""
    token = told.get("NextToken") or "0"
    if not str(token).isdigit():
        raise StackError("Invalid NextToken: it was not given out here.")
    start = int(token)
    more = {"NextToken": str(start + size)} if start + size < len(rows) else {}
    return list(rows[start : start + size]), more


def stacks(caller: Caller, told: Given) -> Given:
    """DescribeStacks."""
    world = caller.service.world
    if told.get("StackName"):
        return {"Stacks": [tell.stack(caller.books.get(caller.region, told["StackName"]), world)]}
    rows, more = page([row for row in caller.books.stacks(caller.region) if not row.is_gone], told)
    return {"Stacks": [tell.stack(row, world) for row in rows], **more}


def listed(caller: Caller, told: Given) -> Given:
    """ListStacks."""
    wanted = told.get("StackStatusFilter")
    rows = [row for row in caller.books.stacks(caller.region) if not wanted or row.status in wanted]
    found, more = page(rows, told)
    return {"StackSummaries": [tell.summary(row) for row in found], **more}


def events(caller: Caller, told: Given) -> Given:
    """DescribeStackEvents."""
    stack = _known(caller, told["StackName"])
    rows, more = page(caller.books.events(stack.id), told)
    return {"StackEvents": [tell.event(row, stack) for row in rows], **more}


def operation_events(caller: Caller, told: Given) -> Given:
    """DescribeEvents: the events of a stack, or of the stack a change set belongs to."""
    if told.get("StackName"):
        stack = _known(caller, told["StackName"])
    elif told.get("ChangeSetName"):
        stack = caller.books.stack(caller.books.change_set(caller.region, told["ChangeSetName"], None).stack)
    else:
        raise StackError("Either StackName or ChangeSetName is needed.")
    rows = caller.books.events(stack.id)
    if (told.get("Filters") or {}).get("FailedEvents"):
        rows = [row for row in rows if row.status.endswith("FAILED")]
    found, more = page(rows, told)
    return {"OperationEvents": [{**tell.event(row, stack), "EventType": "STACK_EVENT"} for row in found], **more}


def _known(caller: Caller, name: str) -> Stack:
    stack = caller.books.find(caller.region, name)
    if stack is None:
        raise StackError(f"Stack [{name}] does not exist")
    return stack


def _standing(caller: Caller, stack: Stack) -> list[Resource]:
    return list(caller.books.resources(stack.id).values())


def resource(caller: Caller, told: Given) -> Given:
    """DescribeStackResource."""
    stack = caller.books.get(caller.region, told["StackName"])
    row = caller.books.resources(stack.id).get(told["LogicalResourceId"])
    if row is None:
        raise StackError(f"Resource {told['LogicalResourceId']} does not exist for stack {stack.name}")
    return {"StackResourceDetail": tell.resource_detail(row, stack)}


def resources(caller: Caller, told: Given) -> Given:
    """DescribeStackResources: of a named stack, or of the stack that holds a physical id."""
    if told.get("StackName"):
        stack = caller.books.get(caller.region, told["StackName"])
    else:
        stack = _owner(caller, str(told.get("PhysicalResourceId")))
    wanted = told.get("LogicalResourceId")
    rows = [row for row in _standing(caller, stack) if not wanted or row.logical == wanted]
    return {"StackResources": [tell.resource(row, stack) for row in rows]}


def _owner(caller: Caller, physical: str) -> Stack:
    for stack in caller.books.stacks(caller.region):
        if any(row.physical == physical for row in _standing(caller, stack)):
            return stack
    raise StackError(f"Stack for {physical} does not exist")


def resource_list(caller: Caller, told: Given) -> Given:
    """ListStackResources."""
    stack = caller.books.get(caller.region, told["StackName"])
    rows, more = page(_standing(caller, stack), told)
    return {"StackResourceSummaries": [tell.resource_summary(row) for row in rows], **more}


def exports(caller: Caller, told: Given) -> Given:
    """ListExports."""
    rows, more = page(sorted(caller.books.exports(caller.region).items()), told)
    found = [{"ExportingStackId": owner, "Name": name, "Value": value} for name, (value, owner) in rows]
    return {"Exports": found, **more}


def imports(caller: Caller, told: Given) -> Given:
    """ListImports."""
    users = caller.books.importers(caller.region, told["ExportName"])
    if not users:
        raise StackError(f"Export '{told['ExportName']}' is not imported by any stack.")
    rows, more = page(users, told)
    return {"Imports": [row.name for row in rows], **more}


def template(caller: Caller, told: Given) -> Given:
    """GetTemplate: the template as it was sent, or after its macros."""
    version = _version(caller, told)
    body = version.body
    if told.get("TemplateStage") == "Processed" and transforms(parsed(body)):
        body = orjson.dumps(version.source).decode()
    return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}


def _version(caller: Caller, told: Given) -> Version:
    if told.get("ChangeSetName"):
        return caller.books.change_set(caller.region, told["ChangeSetName"], told.get("StackName")).version
    if not told.get("StackName"):
        raise StackError("Either StackName or ChangeSetName is needed.")
    stack = caller.books.get(caller.region, told["StackName"])
    return stack.version


def summary(caller: Caller, told: Given) -> Given:
    """GetTemplateSummary."""
    source = _source(caller, told)
    return {
        **_described(caller, source),
        "ResourceTypes": sorted({str(row.get("Type")) for row in _resources(source) if isinstance(row, dict)}),
        "Version": source.get("AWSTemplateFormatVersion"),
        "Metadata": _metadata(source),
    }


def _metadata(source: Given) -> str | None:
    return None if source.get("Metadata") is None else orjson.dumps(source["Metadata"]).decode()


def _resources(source: Given) -> list[Any]:
    return list((source.get("Resources") or {}).values())


def _source(caller: Caller, told: Given) -> dict[str, Any]:
    if told.get("StackName"):
        return parsed(caller.books.get(caller.region, told["StackName"]).version.body)
    return parsed(body_of(told, caller.service.world, caller.region, None))


def validated(caller: Caller, told: Given) -> Given:
    """ValidateTemplate."""
    source = parsed(body_of(told, caller.service.world, caller.region, None))
    if not transforms(source):
        _check(caller, source)
    return _described(caller, source)


def _check(caller: Caller, source: dict[str, Any]) -> None:
    """Checks everything that does not depend on parameters' values: a parameter without a default gets a value that
    fits.
    """
    declared = source.get("Parameters") or {}
    read(source)
    texts = {name: _some_text(row) for name, row in declared.items()}
    stack = new_stack(caller, {"StackName": "validated"}, "REVIEW_IN_PROGRESS")
    if not any("SSM" in str(row.get("Type")) for row in declared.values()):
        checked_version(stack, Version("", source, texts), caller.service.world, caller.books)


def _some_text(row: Given) -> str:
    return str(row.get("Default", (row.get("AllowedValues") or ["1"])[0]))


def _described(caller: Caller, source: dict[str, Any]) -> dict[str, Any]:
    declared = source.get("Parameters") or {}
    needed = _capabilities(caller, source)
    return {
        "Description": source.get("Description"),
        "Parameters": [_parameter(name, row) for name, row in declared.items()],
        "DeclaredTransforms": list(transforms(source)),
        **needed,
    }


def _parameter(name: str, row: Given) -> dict[str, Any]:
    constraints = {"AllowedValues": [str(value) for value in row["AllowedValues"]]} if "AllowedValues" in row else {}
    default = row.get("Default")
    return {
        "ParameterKey": name,
        "ParameterType": row.get("Type"),
        "DefaultValue": None if default is None else str(default),
        "NoEcho": str(row.get("NoEcho", "")).lower() == "true",
        "Description": row.get("Description"),
        "ParameterConstraints": constraints,
    }


def _capabilities(caller: Caller, source: dict[str, Any]) -> dict[str, Any]:
    if transforms(source):
        reason = f"The following transform(s) were used: {', '.join(transforms(source))}"
        return {"Capabilities": ["CAPABILITY_AUTO_EXPAND"], "CapabilitiesReason": reason}
    whole: Template = read(source)
    if whole.conditions:
        whole = replace(whole, resources={name: replace(row, condition=None) for name, row in whole.resources.items()})
    stack = new_stack(caller, {"StackName": "summary"}, "REVIEW_IN_PROGRESS")
    bare = Version("", {**source, "Parameters": {}}, {})
    scope = scope_of(stack, bare, template_of(bare), caller.books, caller.service.world, {})
    needed = capabilities_needed(whole, scope)
    if needed is None:
        return {}
    reason = f"The following resource(s) require capabilities: [{', '.join(needed[1])}]"
    return {"Capabilities": [needed[0]], "CapabilitiesReason": reason}


def cost(caller: Caller, told: Given) -> Given:
    """EstimateTemplateCost: AWS's own page; here nothing costs anything."""
    return {"Url": "https://calculator.aws/"}


def limits(caller: Caller, told: Given) -> Given:
    """DescribeAccountLimits."""
    rows = {"StackLimit": 2000, "StackOutputsLimit": 200, "ConcurrentResourcesLimit": 2500}
    return {"AccountLimits": [{"Name": name, "Value": value} for name, value in rows.items()]}
