"""A scope for queries: variables, a context object and draws that are known beforehand."""

from collections.abc import Mapping
from typing import Any

import pytest

from sfn_emulator.values import Value


class KnownDraws:
    def uuid(self) -> str:
        return "9f3c1c1e-0f0a-4b6e-8a55-2f2f6d1f6a01"

    def random(self) -> float:
        return 0.5

    def now(self) -> float:
        return 0.0


class KnownScope:
    def __init__(self, variables: Mapping[str, Value], context: dict[str, Value]) -> None:
        self._variables = variables
        self._context = context

    @property
    def variables(self) -> Mapping[str, Value]:
        return self._variables

    @property
    def draws(self) -> KnownDraws:
        return KnownDraws()

    def context(self) -> dict[str, Value]:
        return self._context


@pytest.fixture(scope="session")
def scope_of() -> Any:
    """``scope_of(variables, context)``"""
    return lambda variables=None, context=None: KnownScope(variables or {}, context or {})


@pytest.fixture(scope="session")
def scope(scope_of: Any) -> Any:
    return scope_of()
