"""A saga's claims: which step each compensation undoes, what its ends mean, and what may happen twice.

The same in a YAML file beside the definition (``saga.yaml``, ``claims.schema.json`` is its JSON Schema) and as keywords
in Python::

    undo:                                 claims(undo={"Make Payment": "Revert Payment"},
      Make Payment: Revert Payment               repeatable=["Make Payment"], undone=["Fail"])
    repeatable: [Make Payment]
    undone: [Fail]

A Task that is in none of ``undo``, ``reads`` and the compensations has an effect that nothing undoes.
"""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from sfn_emulator.asl.model import Machine, Task, states_of
from sfn_emulator.prove.machine import UnprovableError
from sfn_emulator.values import Value

FAULTS: Final = 2
_SCHEMA: Final = Path(__file__).with_name("claims.schema.json")


class ClaimsError(Exception):
    """Claims can't be used; the text says what is wrong, where, and how to mend it."""


@dataclass(frozen=True)
class Claims:
    """``undone`` and ``done`` are ``None`` where the defaults hold; ``ends_within``: seconds by Task, ``""`` for all.

    ``refusals``: by Task, errors that mean that there was nothing to do. ``answers``: by Task, another answer than the
    good one. ``nested``: by Task, the definition of the machine that it starts. ``here`` is the folder that file names
    are relative to.
    """

    undo: Mapping[str, str] = field(default_factory=dict)
    reads: frozenset[str] = frozenset()
    repeatable: frozenset[str] = frozenset()
    refusals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    undone: frozenset[str] | None = None
    done: frozenset[str] | None = None
    ends_within: Mapping[str, float] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    nested: Mapping[str, str] = field(default_factory=dict)
    faults: int = FAULTS
    invariants: str | None = None
    setup: str | None = None
    inputs: tuple[Any, ...] = ()
    here: Path = Path()

    def undoes(self, task: str) -> tuple[str, ...]:
        """The steps that ``task`` compensates."""
        return tuple(step for step, compensation in self.undo.items() if compensation == task)

    def longest(self, task: str) -> float:
        """Seconds that the task's work takes at most; infinite if nothing is claimed."""
        return self.ends_within.get(task, self.ends_within.get("", float("inf")))


def claims(where: str = "claims", here: Path | None = None, **told: Any) -> Claims:
    """Claims from keywords, the YAML's own. Raises ``ClaimsError`` with the first thing that does not fit."""
    from jsonschema import Draft202012Validator

    wrong = next(iter(Draft202012Validator(_schema()).iter_errors(_plain(told))), None)
    if wrong is not None:
        place = "".join(f" / {part}" for part in wrong.absolute_path)
        raise ClaimsError(f"{where}{place}: {_words(wrong.message)}")
    longest = told.get("ends_within", {})
    _check_values(where, told)
    return Claims(
        undo=dict(told.get("undo") or {}),
        reads=frozenset(told.get("reads") or ()),
        repeatable=frozenset(told.get("repeatable") or ()),
        refusals={task: tuple(errors) for task, errors in (told.get("refusals") or {}).items()},
        undone=_set(told.get("undone")),
        done=_set(told.get("done")),
        ends_within=dict(longest) if isinstance(longest, Mapping) else {"": float(longest)},
        answers=dict(told.get("answers") or {}),
        nested=dict(told.get("nested") or {}),
        faults=told.get("faults", FAULTS),
        invariants=told.get("invariants"),
        setup=told.get("setup"),
        inputs=tuple(told.get("inputs") or ()),
        here=here or Path(),
    )


def read_claims(path: Path) -> Claims:
    """The claims in a YAML file. Raises ``ClaimsError``."""
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ClaimsError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ClaimsError(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(told, dict | None):
        raise ClaimsError(f"{path}: not claims; they are an object with undo, reads, repeatable and their kin")
    return claims(str(path), path.parent, **{str(name): value for name, value in (told or {}).items()})


def _check_values(where: str, told: Mapping[str, Any]) -> None:
    """Checks that the schema can't express: numbers are numbers, and values are JSON. Raises ``ClaimsError``."""
    for field_name in ("ends_within", "answers", "inputs"):
        try:
            json.dumps(told.get(field_name), allow_nan=False)
        except (TypeError, ValueError) as error:
            hint = "quote a date, and leave out .nan and .inf"
            raise ClaimsError(f"{where} / {field_name}: a value is not JSON ({error}); {hint}") from None


def check_names(told: Claims, machine: Machine, nested: Mapping[str, Machine | None] | None = None) -> None:
    """Checks that every name is a Task of the machine, and every end a state. Raises ``ClaimsError``, which suggests a
    name.
    """
    states = {state.name: state for state in states_of(machine.body)}
    tasks = [name for name, state in states.items() if isinstance(state, Task)]
    for outer, inner in (nested or {}).items():
        inside = states_of(inner.body) if inner is not None else ()
        tasks += [f"{outer}/{state.name}" for state in inside if isinstance(state, Task)]
    named = [("undo", name) for pair in told.undo.items() for name in pair]
    named += [("reads", name) for name in sorted(told.reads)]
    named += [("repeatable", name) for name in sorted(told.repeatable)]
    named += [("refusals", name) for name in told.refusals]
    named += [("answers", name) for name in told.answers]
    named += [("ends_within", name) for name in told.ends_within if name]
    for field_name, name in named:
        if name not in tasks:
            raise ClaimsError(f"{field_name}: the definition has no Task '{name}'{_meant(name, tasks)}")
    for field_name, ends in (("undone", told.undone), ("done", told.done)):
        for name in sorted(ends or ()):
            if name not in states:
                raise ClaimsError(f"{field_name}: the definition has no state '{name}'{_meant(name, list(states))}")
    _check_contradictions(told)
    both = sorted((told.undone or frozenset()) & (told.done or frozenset()))
    if both:
        raise ClaimsError(f"'{both[0]}' can't mean both done and undone")


def _check_contradictions(told: Claims) -> None:
    """Raises ``ClaimsError`` for claims that exclude each other: with them any saga would look right."""
    for step, compensation in told.undo.items():
        if step == compensation:
            raise ClaimsError(f"undo: '{step}' is said to undo itself; name the Task that undoes it")
        for task in {step, compensation} & told.reads:
            raise ClaimsError(f"reads: '{task}' is said to change nothing, and 'undo' says that it does")


def _set(names: Any) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _plain(told: Any) -> Any:
    """Sets and tuples of keywords as the lists they are in YAML."""
    if isinstance(told, Mapping):
        return {name: _plain(value) for name, value in told.items()}
    return [_plain(value) for value in told] if isinstance(told, list | tuple | set | frozenset) else told


def _words(message: str) -> str:
    return message.replace("Additional properties are not allowed", "unknown").replace(" was unexpected", "")


def _meant(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, 1, 0.5)
    return f"; was '{near[0]}' meant?" if near else f"; it has {', '.join(repr(n) for n in names[:8]) or 'none'}"


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    return schema


def inputs_of(claims: Claims) -> list[Value]:
    """The inputs claimed, files read. Raises ``UnprovableError``."""
    made: list[Value] = []
    for told in claims.inputs or ({},):
        if not isinstance(told, str):
            made.append(told)
            continue
        path = claims.here / told
        try:
            made.append(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise UnprovableError(f"inputs: {path}: {error.strerror}; names of files start from the claims'") from None
        except ValueError as error:
            raise UnprovableError(f"inputs: {path}: not JSON: {error}") from None
    return made
