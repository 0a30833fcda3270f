"""The saga's input: made from options or a file, and checked against its schema with line numbers."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from deploy import config
from terminal.errors import TerminalError

ROOT = Path(__file__).parent.parent / "statemachine"
INPUTS = ROOT / "inputs"
LIMIT = 262_144
"""Bytes an execution's input may have (AWS: Service quotas)."""

Positions = Mapping[tuple[str | int, ...], tuple[int, int]]


@cache
def schema() -> dict[str, Any]:
    """The order's schema, with the stages of deploy/config.yaml."""
    told: dict[str, Any] = json.loads((ROOT / "order.schema.json").read_text())
    told["properties"]["FailAtStage"]["enum"] = config.load().stages
    return told


def choices(field: str) -> list[str]:
    """The words that the schema allows for a field."""
    return list(schema()["properties"][field]["enum"])


def read(path: Path) -> str:
    """The text of an input file. Raises ``TerminalError``."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TerminalError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise TerminalError(f"{path}: not UTF-8 (byte {error.start})") from error
    if len(text.encode()) > LIMIT:
        raise TerminalError(f"{path}: {len(text.encode())} bytes are more than an input's limit of {LIMIT}")
    return text


def parse(text: str, where: str) -> Any:
    """The value. Raises ``TerminalError`` with line and column."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise TerminalError(f"{where}:{error.lineno}:{error.colno}: not JSON ({error.msg})") from error
    except RecursionError as error:
        raise TerminalError(f"{where}: not an order (nested too deeply)") from error


def problems(order: Any, positions: Positions, where: str) -> Iterator[str]:
    """A line ``where:line:column: field: what is wrong`` for everything the schema objects to."""
    for problem in sorted(Draft202012Validator(schema()).iter_errors(order), key=lambda p: list(map(str, p.path))):
        path = tuple(problem.absolute_path)
        line, column = positions.get(path, (0, 0))
        at = f"{where}:{line}:{column}" if line else where
        yield f"{at}: {'/'.join(map(str, path)) or 'order'}: {problem.message.splitlines()[0][:300]}"


def checked(order: Any, where: str) -> dict[str, Any]:
    """The order, if it fits the schema. Raises ``TerminalError`` with the first objection."""
    for problem in problems(order, {}, where):
        raise TerminalError(problem)
    return dict(order)
