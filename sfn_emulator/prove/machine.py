"""A definition file made ready for a proof: read, filled in, checked.

``${Placeholders}`` without a value are filled so that the definition can run: a whole ``"${Name}"`` in a field
of seconds becomes a number, in ``Resource`` a function's ARN, anywhere else a text.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from sfn_emulator.asl.model import Machine
from sfn_emulator.asl.parse import load
from sfn_emulator.errors import DefinitionError
from sfn_emulator.picture.definition import UndrawableError, read_definition
from sfn_emulator.values import dumps

_PLACEHOLDER: Final = re.compile(r"\$\{([\w.:-]+)\}")
_NUMBERS: Final = frozenset({"Seconds", "TimeoutSeconds", "HeartbeatSeconds", "MaxConcurrency", "MaxAttempts"})
_SECONDS: Final = 30
_FUNCTION: Final = "arn:aws:lambda:us-east-1:123456789012:function:{}"


class UnprovableError(Exception):
    """A proof can't begin; the text says what is wrong, where, and how to mend it."""


class Source(NamedTuple):
    """The definition of a proof: its file, its text with everything filled in, the checked model; ``raw`` is the
    object in the file.
    """

    path: Path
    text: str
    machine: Machine
    raw: Mapping[str, Any]


def read_source(path: Path, values: Mapping[str, str] | None = None) -> Source:
    """Reads a definition file; ``values`` are those of placeholders. Raises ``UnprovableError``."""
    try:
        raw = read_definition(path.read_text(encoding="utf-8-sig"), str(path)).raw
    except OSError as error:
        raise UnprovableError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UnprovableError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except UndrawableError as error:
        raise UnprovableError(str(error)) from None
    return source_of(path, raw, values or {})


def source_of(path: Path, raw: Mapping[str, Any], values: Mapping[str, str]) -> Source:
    """The definition with its placeholders filled in, checked. Raises ``UnprovableError`` with its first problem."""
    text = dumps(_filled(raw, "", values))
    try:
        return Source(path, text, load(text), raw)
    except DefinitionError as error:
        first = error.problems[0]
        more = f"; and {len(error.problems) - 1} more" if len(error.problems) > 1 else ""
        raise UnprovableError(f"{path}: {first}{more}; 'sfn-emulator lint {path}' tells all") from None


def check_deployed(source: Source, deployed: str) -> None:
    """Checks that the deployed definition, which is what runs, is the file's, except for placeholders. Raises
    ``UnprovableError``.
    """
    place = _differing(source.raw, json.loads(deployed), "")
    if place is not None:
        raise UnprovableError(
            f"setup deployed another definition than {source.path}: they differ at {place or '/'}; prove the file that "
            "setup deploys, or '--setup none' for the file alone"
        )


def _differing(mine: Any, deployed: Any, place: str) -> str | None:
    """The first place where two definitions differ. A text with a placeholder may have become anything."""
    if isinstance(mine, Mapping) and isinstance(deployed, Mapping):
        names = [name for name in dict.fromkeys((*mine, *deployed)) if name != "Comment"]
        return _first(_differing(mine.get(name), deployed.get(name), f"{place}/{name}") for name in names)
    if isinstance(mine, list) and isinstance(deployed, list) and len(mine) == len(deployed):
        pairs = enumerate(zip(mine, deployed, strict=True))
        return _first(_differing(*pair, f"{place}/{number}") for number, pair in pairs)
    filled = isinstance(mine, str) and _PLACEHOLDER.search(mine) is not None
    return None if filled or mine == deployed else place


def _first(places: Iterator[str | None]) -> str | None:
    return next((place for place in places if place is not None), None)


def _filled(value: Any, field: str, values: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _filled(inner, name, values) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, field, values) for inner in value]
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    if whole and whole[1] not in values and field in _NUMBERS:
        return _SECONDS
    if whole and whole[1] not in values and field == "Resource":
        return _FUNCTION.format(re.sub(r"\W", "-", whole[1]))
    text = _PLACEHOLDER.sub(lambda found: values.get(found[1], found[1]), value)
    return int(text) if whole and field in _NUMBERS and text.isdigit() else text
