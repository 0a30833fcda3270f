"""Where moto answers otherwise than AWS, and a Task would see it. Each is recorded; each goes when moto mends it.

S3 encrypts every object since January 2023 (AES256 unless told otherwise). EventBridge refuses a Detail that is JSON
but no object. SNS says of an unknown topic that it is a topic that does not exist.
"""

import importlib
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from sfn_emulator.values import loads


def correct(module: str) -> None:
    """Mends a moto module, once; called before its first request."""
    mend = _CORRECTIONS.get(module)
    if mend is not None:
        mend()


def _replace(owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    inner = getattr(owner, name)
    if getattr(inner, "corrected", False):
        return
    outer = wraps(inner)(make(inner))
    outer.corrected = True  # type: ignore[attr-defined]
    setattr(owner, name, outer)


def _s3() -> None:
    models = importlib.import_module("moto.s3.models")

    def made(inner: Callable[..., Any]) -> Callable[..., Any]:
        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            inner(self, *args, **kwargs)
            if self.encryption is None:
                self.encryption = "AES256"

        return init

    _replace(models.FakeKey, "__init__", made)


def _events() -> None:
    models = importlib.import_module("moto.events.models")

    def made(inner: Callable[..., Any]) -> Callable[..., Any]:
        def put_events(self: Any, events: list[dict[str, Any]]) -> Any:
            return inner(self, [event if _has_object(event) else {**event, "Detail": "{"} for event in events])

        return put_events

    _replace(models.EventsBackend, "put_events", made)


def _has_object(event: dict[str, Any]) -> bool:
    """Whether a Detail is an object, or is refused by moto anyway."""
    try:
        return not event.get("Detail") or isinstance(loads(event["Detail"]), dict)
    except ValueError:
        return True


def _sns() -> None:
    models = importlib.import_module("moto.sns.models")
    not_found = importlib.import_module("moto.sns.exceptions").TopicNotFound

    def made(inner: Callable[..., Any]) -> Callable[..., Any]:
        def get_endpoint(self: Any, arn: str) -> Any:
            if ":endpoint/" not in arn:
                raise not_found
            return inner(self, arn)

        return get_endpoint

    _replace(models.SNSBackend, "get_endpoint", made)


_CORRECTIONS: Final[dict[str, Callable[[], None]]] = {"s3": _s3, "events": _events, "sns": _sns}
