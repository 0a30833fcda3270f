"""Task tokens on the page: hidden in all it shows, until one is asked for."""

from collections.abc import Iterable
from typing import Any, Final

from sfn_emulator.console.answers import RefusedError
from sfn_emulator.console.past import Past
from sfn_emulator.picture.history.scope import value_of
from sfn_emulator.picture.history.visit import Visit

_TOKEN: Final = "waitForTaskToken"
_HIDDEN: Final = "••••••••"


def waits_for_token(visit: Visit) -> bool:
    """Whether its last attempt waits for SendTaskSuccess or SendTaskFailure."""
    return visit.outcome.value == "waiting" and _is_given_a_token(visit)


def _is_given_a_token(visit: Visit) -> bool:
    return bool(visit.attempts) and visit.attempts[-1].resource.endswith(_TOKEN)


def token_of(past: Past, visit: Visit) -> str:
    """The token as the task got it: the text in its parameters at the place of the context's token. Raises
    ``RefusedError``.
    """
    if not waits_for_token(visit):
        raise RefusedError(f"{visit.state} does not wait for a token.", 409)
    found = _given_token(past, visit)
    if found is None:
        raise RefusedError("The token is inside a longer text, from which it can't be extracted.", 409)
    return found


def open_tokens(past: Past) -> frozenset[str]:
    """Tokens that may still be answered. They are masked unless a token is asked for."""
    open_ = (visit for visit in past.told.visits if not visit.closed and _is_given_a_token(visit))
    return frozenset(token for visit in open_ if (token := _given_token(past, visit)))


def _given_token(past: Past, visit: Visit) -> str | None:
    state, given = past.states.get(visit.state), value_of(visit.attempts[-1].input)
    arguments = getattr(state.flow, "parameters", None) or getattr(state.flow, "arguments", None) if state else None
    return None if arguments is None else _found(arguments.source, given)


def masked(value: Any, tokens: frozenset[str]) -> Any:
    """The value with the tokens in its texts hidden."""
    if not tokens:
        return value
    if isinstance(value, dict):
        return {name: masked(member, tokens) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [masked(member, tokens) for member in value]
    if isinstance(value, str):
        for token in tokens:
            value = value.replace(token, _HIDDEN)
    return value


def _found(source: Any, given: Any) -> str | None:
    """The value that the parameters have where the template says Task.Token."""
    if isinstance(source, str):
        return given if "Task.Token" in source and isinstance(given, str) else None
    if isinstance(source, dict) and isinstance(given, dict):
        pairs: Iterable[tuple[Any, Any]] = ((part, given.get(key.removesuffix(".$"))) for key, part in source.items())
    elif isinstance(source, list) and isinstance(given, list):
        pairs = zip(source, given, strict=False)
    else:
        return None
    return next((found for part, value in pairs if (found := _found(part, value)) is not None), None)
