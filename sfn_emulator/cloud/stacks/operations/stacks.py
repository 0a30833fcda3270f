"""Creating, updating, deleting and rolling back stacks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from sfn_emulator.cloud.stacks.books import Books
from sfn_emulator.cloud.stacks.deploying.journal import tell_stack
from sfn_emulator.cloud.stacks.deploying.submission import body_of, check_capabilities, submitted
from sfn_emulator.cloud.stacks.errors import StackError
from sfn_emulator.cloud.stacks.records import Stack, Version
from sfn_emulator.cloud.stacks.service import StackService

NAME: Final = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
UPDATABLE: Final = frozenset(
    (
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "UPDATE_FAILED",
        "CREATE_FAILED",
    )
)
_BY_USER: Final = "User Initiated"
NOTHING: Final = Version("", {})
Given = Mapping[str, Any]


@dataclass(frozen=True)
class Caller:
    """A request's region and service. ``begun`` are the stacks whose deployment it began."""

    service: StackService
    region: str
    begun: list[str] = field(default_factory=list)

    @property
    def books(self) -> Books:
        return self.service.books


def new_stack(caller: Caller, told: Given, status: str, **more: Any) -> Stack:
    """A new stack of that name, for which nothing has been made yet. Raises ``StackError``."""
    name = told["StackName"]
    if not NAME.fullmatch(name):
        raise StackError(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member "
            "must satisfy "
            "regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )
    world = caller.service.world
    stack_id = f"arn:aws:cloudformation:{caller.region}:{world.account}:stack/{name}/{world.new_id()}"
    return Stack(
        stack_id, name, caller.region, NOTHING, status, caller.books.now(), token=told.get("ClientRequestToken"), **more
    )


def create(caller: Caller, told: Given) -> Given:
    """CreateStack."""
    with caller.books.lock:
        if caller.books.find(caller.region, told["StackName"]) is not None:
            raise StackError(f"Stack [{told['StackName']}] already exists", "AlreadyExistsException")
        stack = new_stack(
            caller,
            told,
            "CREATE_IN_PROGRESS",
            policy=policy_of(caller, told, "StackPolicy"),
            protected=bool(told.get("EnableTerminationProtection")),
            on_failure=_on_failure(told),
            timeout=told.get("TimeoutInMinutes"),
        )
        version = submitted(stack, told, caller.service.world, caller.books, None)
        check_capabilities(version, stack, caller.service.world, caller.books, change_set=False)
        begin(caller, replace(stack, version=version))
    return {"StackId": stack.id}


def _on_failure(told: Given) -> str:
    if told.get("DisableRollback") is not None and told.get("OnFailure") is not None:
        raise StackError("You can specify either DisableRollback or OnFailure, but not both.")
    return "DO_NOTHING" if told.get("DisableRollback") else str(told.get("OnFailure") or "ROLLBACK")


def begin(caller: Caller, stack: Stack, reason: str = _BY_USER) -> None:
    """Stores the stack with its status and an event, and begins the work of that status."""
    caller.books.put(replace(stack, reason=reason))
    tell_stack(caller.books, stack, reason)
    caller.service.deploy(stack.id)
    caller.begun.append(stack.id)


def update(caller: Caller, told: Given) -> Given:
    """UpdateStack."""
    with caller.books.lock:
        stack = updatable(caller, told["StackName"])
        version = submitted(stack, told, caller.service.world, caller.books, stack.version)
        check_capabilities(version, stack, caller.service.world, caller.books, change_set=False)
        policy = policy_of(caller, told, "StackPolicy")
        if same(version, stack.version) and policy is None:
            raise StackError("No updates are to be performed.")
        begin_update(caller, replace(stack, policy=policy or stack.policy), version, told)
    return {"StackId": stack.id}


def same(new: Version, old: Version) -> bool:
    """Whether an update would change nothing. Descriptions and comments do not count. The values of SSM parameters are
    read only when it is deployed.
    """
    return (new.source, new.texts, new.tags, new.topics, new.role) == (
        old.source,
        old.texts,
        old.tags,
        old.topics,
        old.role,
    )


def begin_update(caller: Caller, stack: Stack, version: Version, told: Given) -> None:
    """Begins an update to ``version``, and keeps the present one to roll back to."""
    on_failure = "DO_NOTHING" if told.get("DisableRollback") else "ROLLBACK"
    begin(
        caller,
        replace(
            stack,
            version=version,
            previous=stack.version,
            status="UPDATE_IN_PROGRESS",
            updated=caller.books.now(),
            on_failure=on_failure,
            overriding=policy_of(caller, told, "StackPolicyDuringUpdate"),
            cancelled=False,
            token=told.get("ClientRequestToken"),
        ),
    )


def updatable(caller: Caller, name: str) -> Stack:
    """The stack. Raises ``StackError`` if there is none, or if its status does not allow an update."""
    stack = caller.books.find(caller.region, name)
    if stack is None or stack.is_gone:
        raise StackError(f"Stack [{name}] does not exist")
    if stack.status not in UPDATABLE:
        raise StackError(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
    return stack


def delete(caller: Caller, told: Given) -> Given:
    """DeleteStack. Does nothing if there is no such stack."""
    with caller.books.lock:
        stack = caller.books.find(caller.region, told["StackName"])
        if stack is None or stack.is_gone:
            return {}
        if stack.protected:
            raise StackError(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        if stack.is_busy and stack.status != "DELETE_IN_PROGRESS":
            raise StackError(f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
        if stack.status == "DELETE_IN_PROGRESS":
            return {}
        for output in stack.outputs:
            users = caller.books.importers(caller.region, output.export) if output.export else []
            if users:
                names = ", ".join(user.name for user in users)
                raise StackError(f"Export {output.export} cannot be deleted as it is in use by {names}")
        retained = tuple(told.get("RetainResources") or ())
        if retained and stack.status != "DELETE_FAILED":
            raise StackError(
                "Invalid operation on stack. RetainResources is only allowed for stacks in DELETE_FAILED state."
            )
        begin(
            caller, replace(stack, status="DELETE_IN_PROGRESS", retained=retained, token=told.get("ClientRequestToken"))
        )
    return {}


def cancel(caller: Caller, told: Given) -> Given:
    """CancelUpdateStack: the update stops before its next resource and goes back."""
    stack = caller.books.get(caller.region, told["StackName"])
    if stack.status != "UPDATE_IN_PROGRESS":
        raise StackError("CancelUpdateStack cannot be called from current stack status")
    caller.books.change(stack.id, cancelled=True)
    return {}


def continue_rollback(caller: Caller, told: Given) -> Given:
    """ContinueUpdateRollback."""
    with caller.books.lock:
        stack = caller.books.get(caller.region, told["StackName"])
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            raise StackError(f"Stack:{stack.id} is in {stack.status} state and can not be rolled back further.")
        for logical in told.get("ResourcesToSkip") or ():
            row = caller.books.resources(stack.id).get(logical)
            if row is not None:
                caller.books.put_resource(stack.id, replace(row, before=None, fresh=False, status="UPDATE_COMPLETE"))
        begin(caller, replace(stack, status="UPDATE_ROLLBACK_IN_PROGRESS"))
    return {}


def roll_back(caller: Caller, told: Given) -> Given:
    """RollbackStack, for a stack whose failure was not rolled back."""
    with caller.books.lock:
        stack = caller.books.get(caller.region, told["StackName"])
        way = {"CREATE_FAILED": "ROLLBACK_IN_PROGRESS", "UPDATE_FAILED": "UPDATE_ROLLBACK_IN_PROGRESS"}.get(
            stack.status
        )
        if way is None:
            raise StackError(f"Stack:{stack.id} is in {stack.status} state and can not be rolled back.")
        begin(caller, replace(stack, status=way))
    return {"StackId": stack.id}


def protect(caller: Caller, told: Given) -> Given:
    """UpdateTerminationProtection."""
    stack = caller.books.get(caller.region, told["StackName"])
    caller.books.change(stack.id, protected=bool(told["EnableTerminationProtection"]))
    return {"StackId": stack.id}


def policy_of(caller: Caller, told: Given, name: str) -> str | None:
    """A stack policy's text, from the request or its URL. Raises ``StackError``."""
    text = told.get(f"{name}Body")
    if text is None and told.get(f"{name}URL"):
        text = body_of({"TemplateURL": told[f"{name}URL"]}, caller.service.world, caller.region, None)
    if text is None:
        return None
    try:
        orjson.loads(text)
    except ValueError:
        raise StackError("Error validating stack policy: Invalid stack policy") from None
    return str(text)


def set_policy(caller: Caller, told: Given) -> Given:
    """SetStackPolicy."""
    stack = caller.books.get(caller.region, told["StackName"])
    caller.books.change(stack.id, policy=policy_of(caller, told, "StackPolicy"))
    return {}


def get_policy(caller: Caller, told: Given) -> Given:
    """GetStackPolicy."""
    return {"StackPolicyBody": caller.books.get(caller.region, told["StackName"]).policy}


def signal(caller: Caller, told: Given) -> Given:
    """SignalResource."""
    stack = caller.books.get(caller.region, told["StackName"])
    handle = f"{stack.id}/{told['LogicalResourceId']}"
    if not caller.service.signals.tell(handle, {"Status": told["Status"], "UniqueId": told["UniqueId"]}):
        raise StackError(f"Resource {told['LogicalResourceId']} waits for no signal.")
    return {}
