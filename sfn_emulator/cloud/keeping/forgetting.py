"""Forgets moto's state at once: its backends are dropped, and made again when they are next used."""

import importlib
from collections.abc import Iterable
from typing import Final

RESET: Final = "/moto-api/reset"
"""The path of the journal's entries that say a service was forgotten."""


def forget(modules: Iterable[str]) -> None:
    """Forgets the state of moto's modules of these names, in every account and region. Hold moto's lock."""
    for module in modules:
        backends = importlib.import_module("moto.backends").get_backend(module)
        backends.clear()
        for beside in vars(backends).values():  # S3 keeps the names of all accounts' buckets beside its backends
            if isinstance(beside, dict):
                beside.clear()
