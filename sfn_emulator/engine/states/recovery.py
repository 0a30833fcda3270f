"""The recovery of a state that fails: which Retrier or Catcher sees the error, and what follows.

Sources: `concepts-error-handling`, and recordings where the two disagree (States.Runtime is never seen by anyone;
a heartbeat that is overdue shows as States.Timeout).
"""

from collections.abc import Callable, Mapping
from typing import Final

from sfn_emulator.asl.model import Catcher, Retrier
from sfn_emulator.engine.events import Evaluation
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.states.dataflow import check_assigned, leave
from sfn_emulator.engine.states.watched import watched_attempt
from sfn_emulator.engine.strand import WAIT, Strand, Waiting
from sfn_emulator.errors import (
    ALL,
    DATA_LIMIT,
    QUERY_EVALUATION,
    RUNTIME,
    TASK_FAILED,
    TIMEOUT,
    EvaluationError,
    StateError,
)
from sfn_emulator.query.compiled import States
from sfn_emulator.values import Value

TOO_DEEP: Final = "The state's data is nested too deeply."
HEARTBEAT_TIMEOUT: Final = "States.HeartbeatTimeout"

Attempt = Callable[[Strand], Waiting]


class HeartbeatOverdueError(StateError):
    """A heartbeat is overdue. The error shows as States.Timeout; an ErrorEquals may name it States.HeartbeatTimeout,
    too.
    """

    def __init__(self) -> None:
        super().__init__(TIMEOUT)


def fault(strand: Strand, error: EvaluationError) -> StateError:
    """The state's error for a failed evaluation. Records EvaluationFailed where AWS does."""
    if error.error == DATA_LIMIT:
        return StateError(DATA_LIMIT, error.message)
    cause = strand.place(error.message)
    if error.error == QUERY_EVALUATION:
        run = strand.run
        # Recorded 2024-11: if a Map finds no items, the event is a sibling of MapStateEntered, not its follower.
        entered = run.events[strand.tip - 1] if strand.tip else None
        sibling = entered is not None and entered.type == "MapStateEntered"
        previous = entered.previous if sibling and entered is not None else strand.tip
        strand.tip = run.aside(
            previous, "EvaluationFailed", Evaluation(error.error, cause, error.location, strand.present.state)
        )
    return StateError(error.error, cause, final=error.error == RUNTIME)


def state_error(strand: Strand, raised: Exception) -> StateError:
    """The state's error for what ended a strand."""
    if isinstance(raised, EvaluationError):
        return fault(strand, raised)
    return raised if isinstance(raised, StateError) else StateError(RUNTIME, strand.place(TOO_DEEP), final=True)


def matches(error: StateError, names: tuple[str, ...]) -> bool:
    """Whether ErrorEquals names the error, by name or by wildcard."""
    return not error.final and any(_matches(error, name) for name in names)


def _matches(error: StateError, name: str) -> bool:
    if name == error.error:
        return True
    if name == ALL:
        return error.error != RUNTIME
    if name == TASK_FAILED:
        return error.error not in (TIMEOUT, RUNTIME)
    return name == HEARTBEAT_TIMEOUT and isinstance(error, HeartbeatOverdueError)


def delay_before(retrier: Retrier, attempts: int, random: Callable[[], float]) -> float:
    """Seconds to wait before the retry that follows ``attempts`` retries of this retrier."""
    try:
        delay = retrier.interval_seconds * retrier.backoff_rate**attempts
    except OverflowError:
        delay = float("inf")
    if retrier.max_delay_seconds is not None:
        delay = min(delay, retrier.max_delay_seconds)
    delay = min(delay, 99_999_999.0)
    return delay * random() if retrier.jitter else delay


def recovering(
    enter: Callable[[Strand], None],
    attempt: Attempt,
    retry: tuple[Retrier, ...],
    catch: tuple[Catcher, ...],
    *,
    exited: str,
    failed: str | None = None,
    jsonata: bool = False,
    instrument: Instrument | None = None,
) -> Attempt:
    """A step that enters the state, makes attempts, and recovers. ``failed`` is the event of a Parallel or Map that
    fails.
    """
    if instrument is not None:
        attempt = watched_attempt(attempt, instrument)

    def step(strand: Strand) -> Waiting:
        enter(strand)
        strand.retries = 0
        counts: dict[int, int] = {}
        while True:
            try:
                target = yield from attempt(strand)
                break
            except EvaluationError as evaluation:
                error = fault(strand, evaluation)
            except StateError as raised:
                error = raised
            delay = _retry(strand, error, retry, counts, instrument)
            if delay is not None:
                yield from pause(strand, delay)
                continue
            if failed is not None and not error.final:
                strand.run.emit(strand, failed)
            target = _caught(strand, error, catch, exited, failed, jsonata, instrument)
            break
        strand.retries = None
        strand.token = strand.region = strand.map_run = None
        return target

    return step


def pause(strand: Strand, delay: float) -> Waiting:
    """Waits for that many seconds."""
    strand.run.timer(strand, delay)
    yield WAIT
    return None


def _retry(
    strand: Strand,
    error: StateError,
    retry: tuple[Retrier, ...],
    counts: dict[int, int],
    instrument: Instrument | None,
) -> float | None:
    """Seconds until the next attempt; ``None`` if there is none. The first Retrier that matches decides."""
    for index, retrier in enumerate(retry):
        if matches(error, retrier.error_equals):
            attempts = counts.get(index, 0)
            if attempts >= retrier.max_attempts:
                return None
            counts[index] = attempts + 1
            strand.retries = (strand.retries or 0) + 1
            strand.region = strand.map_run = None
            delay = delay_before(retrier, attempts, strand.draws.random)
            if instrument is not None:
                instrument.retried(strand, index, attempts + 1, delay)
            return delay
    return None


def _caught(
    strand: Strand,
    error: StateError,
    catch: tuple[Catcher, ...],
    exited: str,
    failed: str | None,
    jsonata: bool,
    instrument: Instrument | None,
) -> str:
    for index, catcher in enumerate(catch):
        if matches(error, catcher.error_equals):
            try:
                output, assigned = catch_output(strand, catcher, error, jsonata)
            except EvaluationError as evaluation:
                if instrument is not None:
                    instrument.failed(strand, evaluation)
                raised = fault(strand, evaluation)
                if failed is not None and not raised.final:
                    strand.run.emit(strand, failed)
                raise raised from None
            if instrument is not None:
                instrument.caught(strand, index, error)
            leave(strand, exited, output, assigned)
            return catcher.next
    raise error


def error_output(error: StateError) -> dict[str, Value]:
    """The error output that a Catcher gets. Error and Cause are null if a token's failure gave none (recorded)."""
    if not error.error:
        return {"Error": None, "Cause": error.cause}
    return {"Error": error.error, "Cause": error.cause or ""}


def catch_output(
    strand: Strand, catcher: Catcher, error: StateError, jsonata: bool
) -> tuple[Value, Mapping[str, Value] | None]:
    """The output of a caught error, and what it assigns."""
    told = error_output(error)
    subject: Value = States(strand.input, error_output=told) if jsonata else told
    assigned = None if catcher.assign is None else catcher.assign.apply(subject, strand)
    check_assigned(strand, assigned)
    if catcher.output is not None:
        return catcher.output.apply(subject, strand), assigned
    if catcher.result_path is not None:
        return catcher.result_path.place(strand.input, told), assigned
    return told, assigned
