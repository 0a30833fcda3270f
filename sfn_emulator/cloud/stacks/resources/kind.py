"""A type of resource as a row: the functions that make, change and remove it, and their tools."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from sfn_emulator.cloud.stacks.errors import ResourceError
from sfn_emulator.cloud.stacks.resources import fitting

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that was made. ``physical`` is its physical id, ``reference`` the value of Ref where that differs."""

    physical: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A resource of a stack: its type, its ids, and the properties it was made with."""

    logical: str
    type: str
    physical: str
    properties: Properties
    attributes: Mapping[str, Any]


class Signals(Protocol):
    """Messages to the stack from outside: a custom resource's answers, a wait condition's signals."""

    def address(self, handle: str) -> str:
        """The URL to which an answer is PUT."""

    def handle(self, address: str) -> str:
        """The handle within such a URL."""

    def wait(
        self, handle: str, count: int, seconds: float, failed: Callable[[], str | None] = ..., late: str | None = None
    ) -> list[Mapping[str, Any]]:
        """The first ``count`` answers. Raises ``ResourceError`` when they don't come in time, or when ``failed``
        returns why they never will.
        """


class Nested(Protocol):
    """Stacks within a stack. Each call blocks until the nested stack is complete, and raises ``ResourceError`` if it
    fails.
    """

    def create(self, hands: "Hands", name: str, properties: Properties) -> Made: ...
    def update(self, hands: "Hands", stack: str, properties: Properties) -> Made: ...
    def delete(self, hands: "Hands", stack: str) -> None: ...


@dataclass(frozen=True)
class World:
    """The surroundings of all stacks. ``client(service, region)`` gives a boto3 client of this port."""

    client: Callable[[str, str], Any]
    account: str
    endpoint: Callable[[], str]
    new_id: Callable[[], str]
    pause: Callable[[float], None]
    """Waits for that many seconds of the server's time; not at all if the server skips waits."""
    signals: Signals
    nested: Nested


@dataclass(frozen=True)
class Hands:
    """The tools for one resource. ``noted(physical)`` stores the id of a half-made resource, so that it can be
    removed.
    """

    world: World
    region: str
    stack: str
    """The stack's name."""
    stack_id: str
    logical: str
    type: str
    tags: Mapping[str, str]
    noted: Callable[[str], None]
    update_policy: Mapping[str, Any] = field(default_factory=dict)

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """An operation by its API name (``CreateQueue``). Raises ``CallError``."""
        client = self.world.client(service, self.region)
        try:
            return dict(getattr(client, xform_name(operation))(**parameters))
        except ClientError as error:
            raise CallError(service, error, self.world.new_id()) from None
        except BotoCoreError as error:
            raise ResourceError(f'Resource handler returned message: "{error}"') from None

    def send(self, service: str, operation: str, properties: Properties, **more: Any) -> dict[str, Any]:
        """Like ``call``, with those of ``properties`` that the operation takes."""
        return self.call(service, operation, **{**fitting.parameters(service, operation, properties), **more})

    def claim(self, physical: str, probe: Callable[[], object]) -> None:
        """Notes the id of a resource that is about to be made. If ``probe`` finds it already, it is somebody else's.
        This is for services that would accept the call as a repetition, and it makes the resource of a killed server
        known.
        """
        try:
            probe()
        except CallError as error:
            if not error.is_gone:
                raise
            self.noted(physical)
            return
        raise already_there(self.type, physical, self.world.new_id())

    def name(self, limit: int, *, lower: bool = False, stack: bool = True, suffix: str = "") -> str:
        """A name in CloudFormation's form: stack, logical id and twelve letters, at most ``limit`` long."""
        letters = self.world.new_id().replace("-", "")[:12].upper()
        parts = [self.stack, self.logical] if stack else [self.logical]
        room = limit - len(letters) - len(suffix) - 1
        made = f"{_shortened(parts, room)}-{letters}{suffix}"
        return made.lower() if lower else made

    def arn(self, service: str, rest: str, *, region: bool = True) -> str:
        return f"arn:aws:{service}:{self.region if region else ''}:{self.world.account}:{rest}"


def _shortened(parts: list[str], room: int) -> str:
    whole = "-".join(parts)
    if len(whole) <= room or len(parts) == 1:
        return whole[:room]
    half = (room - 1) // 2
    first = parts[0][: max(half, room - 1 - len(parts[1]))]
    return f"{first}-{parts[1][: room - 1 - len(first)]}"


class CallError(ResourceError):
    """A service's refusal as CloudFormation quotes it; ``code`` is the service's own."""

    def __init__(self, service: str, error: ClientError, token: str) -> None:
        told = error.response.get("Error", {})
        meta = error.response.get("ResponseMetadata", {})
        self.code, self.message = str(told.get("Code", "")), str(told.get("Message", error))
        self.is_gone = any(word in self.code for word in _GONE)
        self.is_there = any(word in self.code for word in _THERE)
        kind = "NotFound" if self.is_gone else "AlreadyExists" if self.is_there else "InvalidRequest"
        super().__init__(
            f'Resource handler returned message: "{self.message} (Service: {service.title()}, '
            f'Status Code: {meta.get("HTTPStatusCode", 400)}, Request ID: {meta.get("RequestId", token)})" '
            f"(RequestToken: {token}, HandlerErrorCode: {kind})"
        )


_GONE: Final = ("NotFound", "NoSuch", "DoesNotExist", "NonExistent", "NotFoundException", "404")
_THERE: Final = ("AlreadyExists", "Conflict", "InUse", "EntityAlready")


def already_there(kind: str, name: str, token: str) -> ResourceError:
    """The error for a name that is taken, where the service itself would accept the call."""
    return ResourceError(
        f"Resource handler returned message: \"Resource of type '{kind}' with identifier '{name}' already exists.\" "
        f"(RequestToken: {token}, HandlerErrorCode: AlreadyExists)"
    )


Create = Callable[[Hands, Properties], Made]
Update = Callable[[Hands, Standing, Properties], Made]
Delete = Callable[[Hands, Standing], None]


def kept(hands: Hands, standing: Standing) -> None:
    """Removes nothing: for a resource that goes with another one, or can't be removed."""


@dataclass(frozen=True, slots=True)
class Kind:
    """``update`` is ``None`` if every change replaces the resource. ``waits`` is set if others may have to signal it.
    ``named`` are the properties that give the resource a name of the user's choice."""

    type: str
    create: Create
    update: Update | None = None
    delete: Delete = kept
    attributes: frozenset[str] = frozenset()
    named: str = ""
    waits: bool = False


PHYSICAL: Final = ""
"""In ``deleting`` and ``updating``: the resource's physical id."""


def deleting(service: str, operation: str, **sources: str) -> Delete:
    """A removal by one call: each parameter is a property, by its name, or the physical id."""

    def delete(hands: Hands, standing: Standing) -> None:
        hands.call(service, operation, **_from(standing, standing.properties, sources))

    return delete


def updating(service: str, operation: str, **sources: str) -> Update:
    """A change in place by one call, with what of the properties it takes; attributes stay."""

    def update(hands: Hands, standing: Standing, properties: Properties) -> Made:
        hands.send(service, operation, properties, **_from(standing, properties, sources))
        return Made(standing.physical, standing.attributes)

    return update


def _from(standing: Standing, properties: Properties, sources: Mapping[str, str]) -> dict[str, Any]:
    told = {
        name: standing.physical if source == PHYSICAL else properties.get(source) for name, source in sources.items()
    }
    return {name: value for name, value in told.items() if value is not None}
