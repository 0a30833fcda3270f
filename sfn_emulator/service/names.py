"""The names that AWS accepts for state machines, executions and activities (API reference: ``name``)."""

import re
from typing import Final

from sfn_emulator.service.errors import refuse

_FORBIDDEN: Final = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\U0010ffff]")


def check_name(name: str) -> None:
    """Raises ``InvalidName`` for white space, brackets, wildcards, special and control characters, and more than 80."""
    if not 1 <= len(name) <= 80 or _FORBIDDEN.search(name):
        raise refuse("InvalidName", name)
