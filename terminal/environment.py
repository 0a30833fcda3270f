"""Finds the packages. It is imported first; if packages are missing, it goes on in the environment that make has
made.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

NEEDED = ("click", "boto3", "moto", "rich", "jsonschema")
VENV = Path(__file__).parent.parent / ".venv"


def _enter() -> None:
    if all(find_spec(name) for name in NEEDED):
        return
    python = VENV / "bin" / "python"
    if python.exists() and Path(sys.executable) != python:
        os.execv(python, [str(python), *sys.argv])
    sys.exit("error: the packages it needs are not installed; run 'make up' once, or pip install '.[saga]'")


_enter()
