"""Proofs in pytest: ``@prove``, each placement of faults its own test.

    @prove("statemachine/definition.asl.json", saga="statemachine/saga.yaml", faults=2)
    def test_no_failure_leaves_a_trace(before, after, execution):
        assert execution.status == "SUCCEEDED" or after == before

The placements are found when the test is collected: all of them are run, once for a test process, and each test looks
at one. A ``sometimes`` of the claims' own invariants is a test, too. ``setup`` comes from the claims, or is given.
``placed`` runs one placement.
"""

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest

from sfn_emulator.picture.printable import printable
from sfn_emulator.prove.claims import check_names, claims, inputs_of, read_claims
from sfn_emulator.prove.executed.saga import Saga
from sfn_emulator.prove.executed.search import vacuous
from sfn_emulator.prove.faults import Kind, Placement, fault_of
from sfn_emulator.prove.invariants import Invariants, at_the_end, invariants_of
from sfn_emulator.prove.machine import check_deployed, read_source
from sfn_emulator.prove.proof import Wanted, world_of
from sfn_emulator.prove.report.story import story
from sfn_emulator.prove.world.copies import CopyError
from sfn_emulator.prove.world.exploration import Seen
from sfn_emulator.prove.world.prepared import Setup
from sfn_emulator.prove.world.trial import Tried
from sfn_emulator.values import Value


def prove(
    definition: str | Path,
    *,
    saga: str | Path | None = None,
    setup: Setup | str | None = None,
    faults: int | None = None,
    kinds: Sequence[str] = (),
    given: Value = None,
    **told: Any,
) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """The test is a claim ``at_the_end``: it may take ``before``, ``after``, ``execution`` and ``faults``. The claims'
    own invariants are checked, too.

    ``told`` are claims as keywords where there is no ``saga`` file. ``kinds`` limits the faults. Without ``given`` all
    inputs of the claims are tried, those after the first with one fault.
    """

    def decorate(test: Callable[..., Any]) -> Callable[..., None]:
        kept = proving(definition, saga=saga, setup=setup, **told)
        inputs = inputs_of(kept.claims) if given is None else [given]
        most = kept.claims.faults if faults is None else faults
        known = kept.invariants
        (own,) = invariants_of([at_the_end(_as_claim(test))]).at_the_end.items()
        at_last = Invariants(known.always, {**known.at_the_end, own[0]: own[1]}, known.sometimes)
        asked = Saga(kept.world, kept.claims, at_last, kept.definition)
        asked.warm_up(inputs[0])
        seen: dict[str, tuple[Value, Seen]] = {}
        for number, value in enumerate(inputs):
            at_once = most if number == 0 else min(most, 1)
            for one in asked.explored(value, at_once, tuple(map(Kind, kinds))):
                seen[f"input {number + 1}, {_id(one.placement)}" if number else _id(one.placement)] = value, one
        never, _ = vacuous(asked, inputs[0], [one for _, one in seen.values()])

        @pytest.mark.parametrize("placement", [*sorted(seen), *(f"sometimes {name}" for name in never)])
        def run(placement: str) -> None:
            if placement not in seen:
                pytest.fail(f"no run ever made this true: {placement.removeprefix('sometimes ')}", pytrace=False)
            if seen[placement][1].broken:
                _look_again(asked, *seen[placement])

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


def _look_again(saga: Saga, given: Value, seen: Seen) -> NoReturn:
    """Fails with the story, also where the run does not break the same claim again."""
    told = "; ".join(f"{name}: {why}" for name, why in seen.broken.items())
    with suppress(CopyError):
        Placed(saga.tried(given, seen.placement)).check()
        told += "\nThe same faults did no harm when they were run again: chance, time or files play a part."
    pytest.fail(printable(told), pytrace=False)


class Placed:
    """One placement, run. ``check`` fails with the story if a claim is broken."""

    def __init__(self, tried: Tried) -> None:
        self.tried = tried

    def check(self, claim: str | None = None) -> None:
        for name in self.tried.broken if claim is None else (claim,):
            _check(self.tried, name)


def placed(
    definition: str | Path,
    *,
    saga: str | Path | None,
    given: Value,
    faults: Sequence[tuple[Any, ...]],
    setup: Setup | str | None = None,
    invariants: str | None = None,
    machine: str | None = None,
) -> Placed:
    """Runs the saga with just these faults: (number of the call, Task, kind), and the error if it is a named one.

    ``setup``, ``invariants`` and ``machine`` are those of the command line; ``saga`` is ``None`` without a file of
    claims.
    """
    kept = proving(definition, saga=saga, setup=setup, invariants=invariants, machine=machine)
    placement = tuple(fault_of(*fault) for fault in faults)
    return Placed(kept.tried(given, placement))


def _check(tried: Tried, claim: str) -> None:
    why = tried.broken.get(claim)
    if why is not None:
        pytest.fail(printable("\n".join((f"{claim}: {why}", *story(tried)))), pytrace=False)


_WORLDS: dict[tuple[str, ...], Saga] = {}


def proving(
    definition: str | Path,
    *,
    saga: str | Path | None = None,
    setup: Setup | str | None = None,
    invariants: str | None = None,
    machine: str | None = None,
    **told: Any,
) -> Saga:
    """The saga in its prepared world; one world for all tests of the process that ask for the same."""
    key = (str(definition), str(saga), str(setup), str(invariants), str(machine), repr(sorted(told.items())))
    if key not in _WORLDS:
        given = claims(**told) if saga is None else read_claims(Path(saga))
        source = read_source(Path(definition))
        check_names(given, source.machine)
        claimed = None if saga is None else given.invariants
        made = world_of(Wanted(given, setup or given.setup, invariants or claimed, machine=machine))
        check_deployed(source, made.definition)
        _WORLDS[key] = made
    return _WORLDS[key]


def _as_claim(test: Callable[..., Any]) -> Callable[..., Any]:
    """The test's own function, which returns nothing and asserts."""
    names = inspect.signature(test).parameters

    def claim(**told: Any) -> None:
        test(**{name: told[name] for name in names})

    claim.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    claim.__name__ = test.__name__
    return claim


def _id(placement: Placement) -> str:
    return " + ".join(fault.short for fault in placement) or "no fault"
