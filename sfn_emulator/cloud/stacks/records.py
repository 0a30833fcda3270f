"""The records of a stack: frozen dataclasses, stored as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a stack. ``before`` is its record from before the update under way; ``fresh`` says that this
    update made it. ``needs`` are the logical ids of the resources it depends on.
    """

    logical: str
    type: str
    physical: str = ""
    reference: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    status: str = ""
    reason: str | None = None
    updated: float = 0.0
    deletion: str = "Delete"
    replacement: str = "Delete"
    metadata: Any = None
    update_policy: Any = None
    needs: tuple[str, ...] = ()
    fresh: bool = False
    before: "Resource | None" = None

    @classmethod
    def of(cls, document: Document) -> "Resource":
        before = document.get("before")
        return cls(**{**document, "needs": tuple(document["needs"]), "before": before and cls.of(before)})


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a stack: its template as it was sent (``body``) and after its macros (``source``), and the
    parameters' ``texts``.
    """

    body: str
    source: Mapping[str, Any]
    texts: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    role: str | None = None

    @classmethod
    def of(cls, document: Document) -> "Version":
        return cls(**{**document, "capabilities": tuple(document["capabilities"]), "topics": tuple(document["topics"])})


@dataclass(frozen=True, slots=True)
class OutputValue:
    key: str
    value: str
    description: str | None = None
    export: str | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    """``previous`` is the version that a failed update goes back to. Times are epoch seconds."""

    id: str
    name: str
    region: str
    version: Version
    status: str
    created: float
    reason: str | None = None
    updated: float | None = None
    deleted: float | None = None
    outputs: tuple[OutputValue, ...] = ()
    previous: Version | None = None
    policy: str | None = None
    protected: bool = False
    on_failure: str = "ROLLBACK"
    timeout: int | None = None
    parent: str | None = None
    root: str | None = None
    change_set: str | None = None
    token: str | None = None
    retained: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    """Names of other stacks' exports that are used."""
    drift: str = "NOT_CHECKED"
    overriding: str | None = None
    """The stack policy of the update under way, in place of ``policy``."""
    cancelled: bool = False

    @property
    def is_gone(self) -> bool:
        return self.status == "DELETE_COMPLETE"

    @property
    def is_busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @classmethod
    def of(cls, document: Document) -> "Stack":
        previous = document["previous"]
        return cls(
            **{
                **document,
                "version": Version.of(document["version"]),
                "previous": previous and Version.of(previous),
                "outputs": tuple(OutputValue(**told) for told in document["outputs"]),
                "retained": tuple(document["retained"]),
                "imports": tuple(document["imports"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Event:
    id: str
    stack: str
    logical: str
    physical: str
    type: str
    status: str
    at: float
    reason: str | None = None
    properties: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """``changes`` have the form of DescribeChangeSet's answer."""

    id: str
    name: str
    stack: str
    kind: str
    version: Version
    created: float
    status: str
    execution: str
    reason: str | None = None
    description: str | None = None
    changes: tuple[Mapping[str, Any], ...] = ()
    on_failure: str | None = None
    nested: bool = False
    region: str = ""

    @classmethod
    def of(cls, document: Document) -> "ChangeSet":
        return cls(**{**document, "version": Version.of(document["version"]), "changes": tuple(document["changes"])})


def document(record: Resource | Stack | Event | ChangeSet) -> Document:
    return asdict(record)
