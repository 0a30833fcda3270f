"""Change sets: an update's changes, shown before it is made."""

from dataclasses import replace
from typing import Any, Final

from sfn_emulator.cloud.stacks.deploying.changes import Foreseen, changes, output_changes
from sfn_emulator.cloud.stacks.deploying.journal import tell_stack
from sfn_emulator.cloud.stacks.deploying.submission import check_capabilities, submitted
from sfn_emulator.cloud.stacks.deploying.wanted import blueprint
from sfn_emulator.cloud.stacks.errors import ResourceError, StackError
from sfn_emulator.cloud.stacks.operations import told as tell
from sfn_emulator.cloud.stacks.operations.reading import page
from sfn_emulator.cloud.stacks.operations.stacks import (
    NAME,
    Caller,
    Given,
    begin,
    begin_update,
    new_stack,
    same,
    updatable,
)
from sfn_emulator.cloud.stacks.records import ChangeSet, Stack, Version
from sfn_emulator.cloud.stacks.template.model import transforms
from sfn_emulator.cloud.stacks.template.text import parsed

_NO_CHANGES: Final = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)
_NO_UPDATES: Final = "No updates are to be performed."


def create(caller: Caller, told: Given) -> Given:
    """CreateChangeSet. For a new stack it makes one with status REVIEW_IN_PROGRESS."""
    name = told["ChangeSetName"]
    if not NAME.fullmatch(name):
        raise StackError(
            f"1 validation error detected: Value '{name}' at 'changeSetName' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )
    with caller.books.lock:
        kind, stack = _target(caller, told)
        if any(row.name == name for row in caller.books.change_sets(stack.id)):
            raise StackError(
                f"ChangeSet {name} cannot be created due to a mismatch with existing attribute: it exists already",
                "AlreadyExistsException",
            )
        previous = None if kind == "CREATE" else stack.version
        version = submitted(stack, told, caller.service.world, caller.books, previous)
        check_capabilities(version, stack, caller.service.world, caller.books, change_set=True)
        if caller.books.find(caller.region, stack.id) is None:
            caller.books.put(stack)
            tell_stack(caller.books, stack, "User Initiated")
        made = caller.books.put_change_set(_made(caller, told, kind, stack, version))
    return {"Id": made.id, "StackId": stack.id}


def _target(caller: Caller, told: Given) -> tuple[str, Stack]:
    """The kind of change set (a type left out is UPDATE, as on AWS), and its stack. Raises ``StackError``."""
    kind = str(told.get("ChangeSetType") or "UPDATE")
    name = told["StackName"]
    found = caller.books.find(caller.region, name)
    if found is not None and found.is_gone:
        found = None
    if kind == "IMPORT":
        raise StackError("Resources that are there already are not imported into stacks here (ChangeSetType IMPORT).")
    if kind == "CREATE":
        if found is None:
            return kind, new_stack(caller, told, "REVIEW_IN_PROGRESS")
        if found.status != "REVIEW_IN_PROGRESS":
            raise StackError(
                f"Stack [{found.name}] already exists and cannot be created again with the changeSet "
                f"[{told['ChangeSetName']}]."
            )
        return kind, found
    if found is None:
        raise StackError(f"Stack [{name}] does not exist")
    return kind, updatable(caller, name)


def _made(caller: Caller, told: Given, kind: str, stack: Stack, version: Version) -> ChangeSet:
    world = caller.service.world
    arn = f"arn:aws:cloudformation:{caller.region}:{world.account}:changeSet/{told['ChangeSetName']}/{world.new_id()}"
    bare = ChangeSet(
        arn,
        told["ChangeSetName"],
        stack.id,
        kind,
        version,
        caller.books.now(),
        "CREATE_COMPLETE",
        "AVAILABLE",
        description=told.get("Description"),
        on_failure=told.get("OnStackFailure"),
        nested=bool(told.get("IncludeNestedStacks")),
        region=caller.region,
    )
    try:
        found, other = _foreseen(caller, stack, version)
    except (StackError, ResourceError) as error:
        return replace(bare, status="FAILED", execution="UNAVAILABLE", reason=str(error))
    if kind == "UPDATE" and not found and not other and _same_but_source(version, stack.version):
        reason = _NO_UPDATES if transforms(parsed(version.body)) else _NO_CHANGES
        return replace(bare, status="FAILED", execution="UNAVAILABLE", reason=reason)
    return replace(bare, changes=tuple(found))


def _same_but_source(new: Version, old: Version) -> bool:
    return same(replace(new, source=old.source), old)


def _foreseen(caller: Caller, stack: Stack, version: Version) -> tuple[list[dict[str, Any]], bool]:
    """The changes, and whether outputs change, too."""
    standing = caller.books.resources(stack.id)
    anew: set[str] = set()
    resources = Foreseen(standing, anew)
    plan = blueprint(stack, version, caller.books, caller.service.world, resources)
    found = list(changes(plan, standing, anew))
    return found, output_changes(plan, {output.key: output.value for output in stack.outputs})


def describe(caller: Caller, told: Given) -> Given:
    """DescribeChangeSet."""
    row = caller.books.change_set(caller.region, told["ChangeSetName"], told.get("StackName"))
    stack = caller.books.stack(row.stack)
    values = bool(told.get("IncludePropertyValues"))
    found, more = page(row.changes, told)
    return {
        **_summary(row, stack),
        "Parameters": tell.parameters(row.version, caller.service.world, row.region),
        "NotificationARNs": list(row.version.topics),
        "Capabilities": list(row.version.capabilities),
        "Tags": tell.tags(row.version),
        "Changes": [
            {"Type": "Resource", "ResourceChange": change if values else _without_values(change)} for change in found
        ],
        "OnStackFailure": row.on_failure,
        **more,
    }


def _without_values(change: Given) -> Given:
    told = {name: value for name, value in change.items() if name not in ("BeforeContext", "AfterContext")}
    dropped = ("BeforeValue", "AfterValue", "Path", "AttributeChangeType")
    details = [
        {**row, "Target": {name: value for name, value in row["Target"].items() if name not in dropped}}
        for row in change.get("Details", [])
    ]
    return {**told, "Details": details}


def _summary(row: ChangeSet, stack: Stack) -> dict[str, Any]:
    return {
        "ChangeSetName": row.name,
        "ChangeSetId": row.id,
        "StackId": stack.id,
        "StackName": stack.name,
        "Description": row.description,
        "CreationTime": row.created,
        "ExecutionStatus": row.execution,
        "Status": row.status,
        "StatusReason": row.reason,
        "IncludeNestedStacks": row.nested,
    }


def listed(caller: Caller, told: Given) -> Given:
    """ListChangeSets."""
    stack = caller.books.get(caller.region, told["StackName"])
    rows, more = page(caller.books.change_sets(stack.id), told)
    return {"Summaries": [_summary(row, stack) for row in rows], **more}


def delete(caller: Caller, told: Given) -> Given:
    """DeleteChangeSet. Does nothing if there is none."""
    try:
        row = caller.books.change_set(caller.region, told["ChangeSetName"], told.get("StackName"))
    except StackError as error:
        if error.code == "ChangeSetNotFound":
            return {}
        raise
    caller.books.remove_change_set(row)
    return {}


def execute(caller: Caller, told: Given) -> Given:
    """ExecuteChangeSet. The stack's other change sets are gone afterwards, as on AWS."""
    with caller.books.lock:
        row = caller.books.change_set(caller.region, told["ChangeSetName"], told.get("StackName"))
        stack = caller.books.stack(row.stack)
        if row.execution != "AVAILABLE":
            raise StackError(
                f"ChangeSet [{row.id}] cannot be executed in its current status of [{row.status}]",
                "InvalidChangeSetStatus",
            )
        if row.kind == "UPDATE":
            updatable(caller, stack.id)
        for other in caller.books.change_sets(stack.id):
            if other.id != row.id:
                caller.books.remove_change_set(other)
        caller.books.put_change_set(replace(row, execution="EXECUTE_COMPLETE"))
        _begin(caller, replace(stack, change_set=row.id), row, told)
    return {}


def _begin(caller: Caller, stack: Stack, row: ChangeSet, told: Given) -> None:
    if row.kind == "UPDATE":
        begin_update(caller, stack, row.version, told)
        return
    on_failure = "DO_NOTHING" if told.get("DisableRollback") else row.on_failure or "ROLLBACK"
    fresh = replace(
        stack,
        version=row.version,
        status="CREATE_IN_PROGRESS",
        on_failure=on_failure,
        token=told.get("ClientRequestToken"),
    )
    begin(caller, fresh)
