"""Secrets Manager refuses names with characters other than letters, digits and ``-/_+=.@!`` (CreateSecret;
recorded).
"""

import importlib
import re
from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.cloud.keeping.moment import is_new

_NAME: Final = re.compile(r"[\w/+=.@!-]{1,512}", re.ASCII)
_REFUSAL: Final = (
    "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
)


def correct() -> None:
    replace(importlib.import_module("moto.secretsmanager.models").SecretsManagerBackend, "create_secret", _named)


def _named(inner: Callable[..., Any]) -> Callable[..., Any]:
    refusal = importlib.import_module("moto.secretsmanager.exceptions").ValidationException

    def create_secret(self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        if is_new() and not _NAME.fullmatch(name or ""):
            raise refusal(_REFUSAL)
        return inner(self, name, *args, **kwargs)

    return create_secret
