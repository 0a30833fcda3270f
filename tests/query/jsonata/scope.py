"""A scope for JSONata tests: fixed draws, given variables, a small context object."""

from collections.abc import Mapping
from typing import Any


class FixedDraws:
    def uuid(self) -> str:
        return "8c2a1f4e-0f9f-4c57-9d3a-6a1f0f8e7b11"

    def random(self) -> float:
        return 0.25

    def now(self) -> float:
        return 1_700_000_000.123


class FixedScope:
    draws = FixedDraws()

    def __init__(self, variables: Mapping[str, Any] | None = None) -> None:
        self.variables = variables or {}
        self.contexts = 0

    def context(self) -> dict[str, Any]:
        self.contexts += 1
        return {"Execution": {"Id": "arn:aws:states:us-east-1:000000000000:execution:m:e"}, "State": {"Name": "S"}}
