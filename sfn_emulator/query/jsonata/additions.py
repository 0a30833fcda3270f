"""The functions AWS adds to JSONata, and those that draw from the execution.

Documented in the Developer Guide, "Transforming data with JSONata"; rounding toward zero, the undefined results and the
generator behind ``$random(seed)`` (``java.util.Random``) were measured on AWS (floci issue 2662, pull request 2676),
the results of missing and wrong arguments were recorded in 2026-04.
"""

import hashlib
import math
from collections.abc import Callable
from typing import Any, Final

from jsonata import functions, utils
from jsonata import jsonata as library

from sfn_emulator.query.compiled import Scope
from sfn_emulator.query.java.random import next_double
from sfn_emulator.query.jsonata.errors import MEMORY_LIMIT, BoundError, JsonataError
from sfn_emulator.query.jsonata.library import HELD, with_nulls
from sfn_emulator.query.jsonata.signature import Fitting, Signature
from sfn_emulator.query.jsonata.values import whole
from sfn_emulator.values import loads

sequence_of: Final = utils.Utils.create_sequence_from_iter


def partition(array: Any, size: Any) -> Any:
    """A plain array of arrays; without a size, of one array. A size that is cut to zero gives undefined."""
    if array is None:
        return None
    step = len(array) if size is None else math.trunc(size)
    if step < 0:
        raise JsonataError("D3137", "Second argument must be zero or greater")
    return [list(array[at : at + step]) for at in range(0, len(array), step)] if step else None


def arange(start: Any, end: Any, step: Any) -> Any:
    """A sequence, so a range of one number is that number (recorded). It includes the end if a step lands on it."""
    if start is None or end is None or step is None or not math.trunc(step):
        return None
    first, last, by = (math.trunc(n) for n in (start, end, step))
    numbers = range(first, last + (1 if by > 0 else -1), by)
    if 8 * len(numbers) > HELD:
        raise BoundError(MEMORY_LIMIT)
    return sequence_of(numbers)


_ALGORITHMS: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def digest(data: Any, algorithm: Any) -> Any:
    """The code for an unknown algorithm is that of all recorded errors which no signature tells; the text is ours."""
    if data is None or algorithm is None:
        return None
    name = _ALGORITHMS.get(algorithm)
    if name is None:
        raise JsonataError("D3137", f"Second argument must be one of {', '.join(_ALGORITHMS)}")
    return hashlib.new(name, data.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def parse_json(text: Any) -> Any:
    if text is None:
        return None
    try:
        return with_nulls(loads(text))
    except (ValueError, RecursionError):
        raise JsonataError("D3137", "Invalid JSON") from None


ADDED: Final[dict[str, tuple[str, Callable[..., Any], int]]] = {
    "partition": ("<an?:a>", partition, 2),
    "range": ("<n?n?n?:a>", arange, 3),
    "hash": ("<ss:s>", digest, 2),
    "parse": ("<s?:x>", parse_json, 1),
}


# -- drawn from the execution


def _uuid(scope: Scope) -> Callable[[], Any]:
    return scope.draws.uuid


def _random(scope: Scope) -> Callable[[Any], Any]:
    return lambda seed: scope.draws.random() if seed is None else next_double(seed)


def _shuffle(scope: Scope) -> Callable[[Any], Any]:
    def shuffled(array: Any) -> Any:
        if array is None:
            return None
        items = list(array)
        for last in range(len(items) - 1, 0, -1):
            chosen = int(scope.draws.random() * (last + 1))
            items[last], items[chosen] = items[chosen], items[last]
        return items

    return shuffled


def _millis(scope: Scope) -> Callable[[], Any]:
    return lambda: math.floor(scope.draws.now() * 1000 + 0.5)


def _now(scope: Scope) -> Callable[[Any, Any], Any]:
    millis = _millis(scope)
    return lambda picture, timezone: functions.Functions.datetime_from_millis(millis(), picture, timezone)


_DRAWN: Final[dict[str, tuple[str, Callable[[Scope], Callable[..., Any]], int]]] = {
    "uuid": ("<:s>", _uuid, 0),
    "random": ("<n?:n>", _random, 1),
    "shuffle": ("<a:a>", _shuffle, 1),
    "now": ("<s?s?:s>", _now, 2),
    "millis": ("<:n>", _millis, 0),
}
"""Functions bound for each evaluation that mentions them: name → signature, maker of the function, its arity."""

DRAWN: Final = frozenset(_DRAWN)


class _Native(library.Jsonata.JNativeFunction):  # type: ignore[misc]
    """The library's function object with our signatures. Doubles beyond the range of integers stay doubles."""

    def __init__(self, name: str, signature: Any, method: Callable[..., Any], arity: int) -> None:
        self.function_name, self.method, self.nargs = name, method, arity
        self.signature = Signature.of(name, signature)

    def call(self, input: Any, args: Any) -> Any:
        """Called by functions with a callback ($map, $each, ...): their arguments are not validated yet."""
        if self.signature is not None and not isinstance(args, Fitting):
            args = self.signature.validate(args, None)
        arguments = [*args, *[None] * (self.nargs - len(args))]
        result = self.method(*arguments)
        return whole(result) if isinstance(result, float) else result


def native(name: str, signature: Any, method: Callable[..., Any], arity: int) -> Any:
    """A function an expression can call: ``arity`` arguments, missing ones ``None``."""
    return _Native(name, signature, method, arity)


def drawn(name: str, scope: Scope) -> Any:
    """``$uuid``, ``$random``, ``$shuffle``, ``$now`` or ``$millis`` for one evaluation."""
    signature, build, arity = _DRAWN[name]
    return native(name, signature, build(scope), arity)
