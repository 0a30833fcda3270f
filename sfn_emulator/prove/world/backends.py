"""moto's backends are globals of the process. Several prepared worlds in one process take turns in them."""

from typing import Any

Contents = list[tuple[Any, dict[str, Any]]]
"""Each service's backends in use, and their content by account."""


def taken() -> Contents:
    """Takes the backends' content out; they are empty afterwards."""
    in_use = _in_use()
    found = [(backends, dict(backends)) for backends in in_use]
    for backends, _ in found:
        backends.clear()
    in_use.clear()
    return found


def put(contents: Contents) -> None:
    """Makes this the backends' content."""
    taken()
    for backends, held in contents:
        backends.update(held)
        _in_use().append(backends)


def _in_use() -> list[Any]:
    from moto.core.base_backend import BackendDict

    found: list[Any] = vars(BackendDict)["_instances"]
    return found
