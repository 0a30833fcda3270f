"""The state machine's definition: its ``${Placeholders}`` and what stands for them.

A string that is one placeholder and nothing else takes the type of what stands for it, so ``"Seconds":
"${WaitSeconds}"`` is valid JSON before and the number 30 after.
"""

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.errors import DeployError

PATH = Path(__file__).parent.parent.parent / "statemachine" / "definition.asl.json"
CLAIMS = PATH.with_name("saga.yaml")
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def read(path: Path = PATH) -> str:
    """The text with its placeholders. Raises ``DeployError``."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DeployError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise DeployError(f"{path}: not UTF-8 (byte {error.start})") from error


def claims() -> dict[str, Any]:
    """The saga's claims: ``undo`` maps each step to its compensation, by the names of their states."""
    return dict(yaml.safe_load(CLAIMS.read_text(encoding="utf-8")))


def placeholders(text: str) -> frozenset[str]:
    return frozenset(_PLACEHOLDER.findall(text))


def render(text: str, values: Mapping[str, str | int], where: Path = PATH) -> str:
    """The definition as it is deployed, indented by two. Raises ``DeployError`` with the line and column at fault, or
    the name of a placeholder that has no value.
    """
    try:
        template = json.loads(text)
    except json.JSONDecodeError as error:
        raise DeployError(f"{where}:{error.lineno}:{error.colno}: not JSON ({error.msg})") from error
    if missing := placeholders(text) - set(values):
        raise DeployError(f"{where}: there is no value for ${{{sorted(missing)[0]}}}")
    return json.dumps(_filled(template, values), indent=2, ensure_ascii=False)


def difference(there: str, wanted: str) -> str:
    """A unified diff of two definitions, regardless of white space; empty when they mean the same."""
    before, after = (_pretty(text).splitlines() for text in (there, wanted))
    return "\n".join(difflib.unified_diff(before, after, "deployed", "wanted", lineterm="", n=2))


def canonical(document: Mapping[str, Any]) -> str:
    """JSON text that is the same for equal documents."""
    return json.dumps(document, sort_keys=True)


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _filled(value: Any, values: Mapping[str, str | int]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if isinstance(value, str):
        if whole := _PLACEHOLDER.fullmatch(value):
            return values[whole[1]]
        return _PLACEHOLDER.sub(lambda found: str(values[found[1]]), value)
    return value
