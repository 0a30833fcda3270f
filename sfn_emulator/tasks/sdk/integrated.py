"""The AWS SDK services and actions that Step Functions has integrated: a dated list, not everything in an SDK.

``integrated.json`` holds the services that the Developer Guide lists and that its release history has added since, with
the days. Of actions it has only those that the guide names as unsupported: whether an action is too new to be
integrated is not known.
"""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from sfn_emulator.asl.integrations import SDK_PREFIX
from sfn_emulator.asl.resource import Resource

_TABLE: Final = Path(__file__).with_name("integrated.json")


class Table(NamedTuple):
    """``unsupported`` are pairs (service, action) of integrated services."""

    as_of: str
    services: frozenset[str]
    unsupported: frozenset[tuple[str, str]]


@cache
def table() -> Table:
    """The list as of its date: services added until then and not removed, and the actions named as unsupported."""
    told = json.loads(_TABLE.read_text(encoding="utf-8"))
    services = _words(told["services"].values()) - _words(told["removed"].values())
    unsupported = {
        (name, action) for name, actions in told["unsupported_actions"].items() for action in actions.split()
    }
    return Table(told["as_of"], services, frozenset(unsupported))


def _words(rows: Iterable[list[str]]) -> frozenset[str]:
    return frozenset(word for lines in rows for line in lines for word in line.split())


def doubt(resource: Resource) -> str | None:
    """Why AWS may not have an AWS SDK integration that boto3's models have; ``None`` for any other Resource."""
    if not resource.resource_type.startswith(SDK_PREFIX):
        return None
    service = resource.resource_type.removeprefix(SDK_PREFIX)
    as_of, services, unsupported = table()
    if service not in services:
        return (
            f"AWS Step Functions has no AWS SDK integration with '{service}' (as of {as_of}): "
            "on AWS this definition is refused"
        )
    if (service, resource.action) in unsupported:
        return (
            f"AWS Step Functions does not support '{resource.action}' among its AWS SDK integrations with '{service}' "
            f"(as of {as_of}): on AWS this definition is refused"
        )
    return None
