"""The files that a command is given: texts, JSON and YAML, definitions with their ``${NAMES}`` filled in. Each error is
one line.
"""

import json
import re
from pathlib import Path
from typing import Any

import click

from sfn_emulator.asl.text.source import DEPTH_LIMIT
from sfn_emulator.asl.text.yaml_source import YamlError, scan_yaml
from sfn_emulator.command.help_page import Failure
from sfn_emulator.values import dumps, is_json


def filled(file: Path, names: tuple[str, ...]) -> str:
    """The definition in a file as JSON text, its ``${NAMES}`` filled in by ``NAME=VALUE``. Raises ``Failure``."""
    text = text_of(file)
    for key, value in values_of(file, text, names).items():
        bare = value if is_json(value) else json.dumps(value)
        text = text.replace(f'"${{{key}}}"', bare).replace(f"${{{key}}}", value)
    return text if text.lstrip().startswith("{") else dumps(document_of(file, text))


def values_of(file: Path, text: str, names: tuple[str, ...]) -> dict[str, str]:
    """The values of ``--set NAME=VALUE``, by name. Raises ``Failure`` for a name that the definition does not use."""
    values = {}
    for name in names:
        key, equals, value = name.partition("=")
        if not equals:
            raise click.BadParameter(f"'{name}' is not NAME=VALUE", param_hint="--set")
        if f"${{{key}}}" not in text:
            there = ", ".join(dict.fromkeys(re.findall(r"\$\{\w+\}", text))) or "none"
            raise Failure(f"--set {name}: {file} has no ${{{key}}}; what it has: {there}")
        values[key] = value
    return values


def document_of(file: Path, text: str) -> Any:
    """The value of a JSON or YAML text. Raises ``Failure``, also where aliases would make it endlessly large."""
    try:
        return scan_yaml(text, DEPTH_LIMIT).value
    except YamlError as error:
        raise Failure(
            f"{file}:{error.line}:{error.column}: neither JSON nor YAML ({' '.join(str(error).split())})"
        ) from None


def text_of(file: Path) -> str:
    """The text of a file in UTF-8, with or without a byte order mark; ``-`` is standard input. Raises ``Failure``."""
    try:
        with click.open_file(str(file), encoding="utf-8-sig") as source:
            return str(source.read())
    except OSError as error:
        raise Failure(f"{file}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise Failure(f"{file}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
