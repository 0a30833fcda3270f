"""Every supported type, by its name. A new type is a row in its service's file."""

from collections.abc import Mapping
from typing import Final

from sfn_emulator.cloud.stacks.resources.kind import Kind
from sfn_emulator.cloud.stacks.resources.services import (
    alarms,
    buckets,
    custom,
    deployments,
    events,
    functions,
    identity,
    logs,
    machines,
    queues,
    repositories,
    schedules,
    secrets,
    tables,
    topics,
)
from sfn_emulator.cloud.stacks.resources.services.apis import http_apis, rest, user_pools

_SERVICES: Final = (
    machines,
    functions,
    deployments,
    identity,
    tables,
    queues,
    topics,
    buckets,
    logs,
    events,
    schedules,
    rest,
    http_apis,
    secrets,
    alarms,
    repositories,
    user_pools,
    custom,
)
KINDS: Final[Mapping[str, Kind]] = {kind.type: kind for service in _SERVICES for kind in service.KINDS}


def is_known(kind: str) -> bool:
    return kind in KINDS or kind.startswith("Custom::")


def kind_of(kind: str) -> Kind:
    """The type's row. Raises ``KeyError`` for an unsupported type; a template with one is refused earlier."""
    return custom.CUSTOM if kind.startswith("Custom::") else KINDS[kind]
