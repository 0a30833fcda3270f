"""Replaces a method of moto's by one that is given the old one."""

from collections.abc import Callable
from functools import wraps
from typing import Any


def replace(owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """``owner.name`` becomes ``make(owner.name)``, once."""
    inner = getattr(owner, name)
    if getattr(inner, "corrected", False):
        return
    outer = wraps(inner)(make(inner))
    outer.corrected = True  # type: ignore[attr-defined]
    setattr(owner, name, outer)
