"""Hooks into moto, for calls that would leave this process or load packages that we replace."""

import importlib
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

from sfn_emulator.cloud.keeping.moment import reseed


def deliver_to_functions(deliver: Callable[[str, bytes], object]) -> None:
    """Calls of functions by moto's other services go to our Lambda, not to Docker."""
    function: Any = importlib.import_module("moto.awslambda.models").LambdaFunction

    def invoke(self: Any, body: Any, request_headers: Any, response_headers: Any) -> str:
        event = body if isinstance(body, bytes) else str(body or "{}").encode()
        deliver(self.function_arn, event)
        return ""

    function.invoke = invoke


def post_only_once(replaying: Callable[[], bool]) -> None:
    """SNS posts to HTTP subscribers when a message is published, not when the journal is read again."""
    models: Any = importlib.import_module("moto.sns.models")
    inner = models.requests

    class Requests:
        @staticmethod
        def post(*arguments: Any, **named: Any) -> Any:
            return None if replaying() else inner.post(*arguments, **named)

        def __getattr__(self, name: str) -> Any:
            return getattr(inner, name)

    models.requests = Requests()


_VALIDATOR: Final = "openapi_spec_validator"


def do_without_validator() -> None:
    """moto's API Gateway imports a validator of OpenAPI documents, and with it 13 MB of packages.

    ``corrections.apis.apigateway`` replaces the only two functions that call it, so a module with its names is enough.
    """
    if _VALIDATOR in sys.modules or find_spec(_VALIDATOR) is not None:
        return
    exceptions = ModuleType(f"{_VALIDATOR}.validation.exceptions")
    vars(exceptions)["OpenAPIValidationError"] = type("OpenAPIValidationError", (Exception,), {})
    root = ModuleType(_VALIDATOR)
    vars(root)["validate"] = None
    sys.modules |= {_VALIDATOR: root, f"{_VALIDATOR}.validation": ModuleType(""), exceptions.__name__: exceptions}


def forget_instances() -> None:
    """Stops moto from keeping a list of every object it made, for a decorator that is not used here: memory would only
    grow.
    """
    base: Any = importlib.import_module("moto.core.common_models").BaseModel
    base.__new__ = lambda cls, *arguments, **named: object.__new__(cls)


def let_others_in_while_polling(given_away: Callable[[], AbstractContextManager[None]]) -> None:
    """An SQS long poll sleeps on its queue's condition; without this it would keep every other request out."""
    queue: Any = importlib.import_module("moto.sqs.models").Queue
    inner = queue.wait_for_messages
    if getattr(inner, "shares", None):
        return

    def wait_for_messages(self: Any, timeout: int) -> None:
        seed = reseed()
        with given_away():
            inner(self, timeout)
        reseed(seed)

    wait_for_messages.shares = True  # type: ignore[attr-defined]
    queue.wait_for_messages = wait_for_messages
