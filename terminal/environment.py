"""Finds the packages. It is imported first; if packages are missing, it goes on in the environment that make has
made.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

NEEDED = (
    *("boto3", "click", "cryptography", "greenlet", "httptools", "jsonata", "jsonpath_ng", "jsonschema", "moto"),
    *("orjson", "py_partiql_parser", "pyparsing", "regex", "rich", "yaml"),
)
"""The modules of the dependencies in pyproject.toml."""
VENV = Path(__file__).parent.parent / ".venv"


def _enter() -> None:
    missing = [name for name in NEEDED if not find_spec(name)]
    if not missing:
        return
    python = VENV / "bin" / "python"
    if python.exists() and Path(sys.executable) != python:
        os.execv(python, [str(python), *sys.argv])
    sys.exit(
        f"error: the packages it needs are not installed; run 'make up' once, or pip install '.[saga]' "
        f"(this Python, {sys.executable}, lacks {', '.join(missing)})"
    )


_enter()
