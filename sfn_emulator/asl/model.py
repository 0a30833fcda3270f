"""The checked definition: frozen dataclasses whose fields already hold compiled queries.

A ``Machine`` holds no bad path, no missing target and no field of the other query language: ``asl.parse`` and
``asl.check`` have refused those. Names are the States Language's own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from sfn_emulator.asl.resource import Resource
from sfn_emulator.query.compiled import Compiled, ResultPath
from sfn_emulator.values import UNSET, Unset, Value


class QueryLanguage(StrEnum):
    JSONPATH = "JSONPath"
    JSONATA = "JSONata"


class MachineType(StrEnum):
    STANDARD = "STANDARD"
    EXPRESS = "EXPRESS"


@dataclass(frozen=True, slots=True)
class JsonPathFlow:
    """Data flow of a JSONPath state; ``None`` where the field is absent (JSON null is compiled into its meaning)."""

    input_path: Compiled | None = None
    parameters: Compiled | None = None
    result_selector: Compiled | None = None
    result_path: ResultPath | None = None
    output_path: Compiled | None = None
    assign: Compiled | None = None


@dataclass(frozen=True, slots=True)
class JsonataFlow:
    """Data flow of a JSONata state; ``None`` where the field is absent."""

    arguments: Compiled | None = None
    output: Compiled | None = None
    assign: Compiled | None = None


Flow: TypeAlias = JsonPathFlow | JsonataFlow

CSV_DELIMITERS: Final = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
"""The values of CSVDelimiter (`input-output-itemreader`)."""

Number: TypeAlias = int | float | Compiled
"""A literal, a …Path, or a JSONata expression; a ``Compiled`` is checked for type and range when applied."""


@dataclass(frozen=True, slots=True)
class Retrier:
    error_equals: tuple[str, ...]
    interval_seconds: int = 1
    max_attempts: int = 3
    backoff_rate: float = 2.0
    max_delay_seconds: int | None = None
    jitter: bool = False


@dataclass(frozen=True, slots=True)
class Catcher:
    """``result_path`` in JSONPath states, ``output`` in JSONata states, ``assign`` in both."""

    error_equals: tuple[str, ...]
    next: str
    result_path: ResultPath | None = None
    output: Compiled | None = None
    assign: Compiled | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    name: str
    flow: Flow
    next: str | None
    result: Value | Unset = UNSET


@dataclass(frozen=True, slots=True)
class Task:
    name: str
    flow: Flow
    next: str | None
    resource: Resource
    timeout: Number | None = None
    heartbeat: Number | None = None
    credentials: Compiled | None = None
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


@dataclass(frozen=True, slots=True)
class ChoiceRule:
    condition: Compiled
    next: str
    output: Compiled | None = None
    assign: Compiled | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    flow: Flow
    rules: tuple[ChoiceRule, ...]
    default: str | None


@dataclass(frozen=True, slots=True)
class Wait:
    """Exactly one of ``seconds`` and ``timestamp`` is set; a literal timestamp is epoch seconds."""

    name: str
    flow: Flow
    next: str | None
    seconds: Number | None = None
    timestamp: float | Compiled | None = None


@dataclass(frozen=True, slots=True)
class Succeed:
    name: str
    flow: Flow


@dataclass(frozen=True, slots=True)
class Fail:
    name: str
    flow: Flow
    error: str | Compiled | None = None
    cause: str | Compiled | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """A state machine inside a state: a Parallel's branch, a Map's ItemProcessor, or the whole definition."""

    start_at: str
    states: Mapping[str, "State"]


@dataclass(frozen=True, slots=True)
class Parallel:
    name: str
    flow: Flow
    next: str | None
    branches: tuple[Branch, ...]
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemReader:
    resource: Resource
    config: Mapping[str, Value | Compiled]
    arguments: Compiled | None = None


@dataclass(frozen=True, slots=True)
class ItemBatcher:
    max_items: Number | None = None
    max_bytes: Number | None = None
    batch_input: Compiled | None = None


@dataclass(frozen=True, slots=True)
class ResultWriter:
    resource: Resource | None
    config: Mapping[str, Value]
    arguments: Compiled | None = None


@dataclass(frozen=True, slots=True)
class Distribution:
    """The fields that a Map has only in DISTRIBUTED mode. ``label`` is the one that the definition gives."""

    execution_type: MachineType
    label: str | None = None
    reader: ItemReader | None = None
    batcher: ItemBatcher | None = None
    writer: ResultWriter | None = None
    tolerated_count: Number | None = None
    tolerated_percentage: Number | None = None


@dataclass(frozen=True, slots=True)
class Map:
    """``items`` is ItemsPath or Items, ``selector`` ItemSelector or the legacy Parameters. Without a ``distribution``
    the Map is inline.
    """

    name: str
    flow: Flow
    next: str | None
    processor: Branch
    items: Compiled | None = None
    selector: Compiled | None = None
    max_concurrency: Number = 0
    distribution: Distribution | None = None
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


State: TypeAlias = Pass | Task | Choice | Wait | Succeed | Fail | Parallel | Map


@dataclass(frozen=True, slots=True)
class Machine:
    """A whole definition. ``variable_references`` is what DescribeStateMachine reports: state name → names read."""

    body: Branch
    query_language: QueryLanguage = QueryLanguage.JSONPATH
    timeout: int | None = None
    comment: str | None = None
    variable_references: Mapping[str, tuple[str, ...]] | None = None


def branches(state: State) -> tuple[Branch, ...]:
    """The state machines inside a state: a Parallel's branches, a Map's processor."""
    inner = getattr(state, "branches", None)
    if inner is not None:
        return tuple(inner)
    processor = getattr(state, "processor", None)
    return () if processor is None else (processor,)


def scopes(body: Branch) -> Iterator[Branch]:
    """The states that can reach each other, and all such scopes within them, the outermost first."""
    yield body
    for state in body.states.values():
        for inner in branches(state):
            yield from scopes(inner)


def states_of(body: Branch) -> Iterator[State]:
    """Every state, each followed by those inside it."""
    for state in body.states.values():
        yield state
        for inner in branches(state):
            yield from states_of(inner)
