"""An instruction: one AWS call as data, and why it is made. A Plan is a tuple of these; apply.py interprets them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Variable:
    """Stands in a request for a value that comes with an earlier answer, e.g. the REST API's id."""

    name: str


@dataclass(frozen=True)
class Instruction:
    """``operation`` is a method of the boto3 client for ``service``, called with ``request``.

    ``verb`` is empty for a call that only looks something up. ``saves`` maps variables to JMESPath expressions over
    the answer. ``waiter`` names the boto3 waiter to wait on afterwards, with ``awaited`` as its request. ``tolerates``
    are the error codes that mean that the work was done already.
    """

    what: str
    verb: str
    service: str
    operation: str
    request: Mapping[str, Any]
    saves: Mapping[str, str] = field(default_factory=dict)
    waiter: str = ""
    awaited: Mapping[str, Any] = field(default_factory=dict)
    tolerates: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.verb} {self.what}"
