"""The ports of the task runners, as small Protocols. The composition root supplies them.

All methods but ``Lambdas.invoke`` are called on the host's thread and return at once. ``Lambdas.invoke`` is called from
worker threads and may take its time.
"""

from asyncio import Future
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sfn_emulator.engine.ports import Work
from sfn_emulator.service.tokens import Waiter
from sfn_emulator.values import Value

Post = Callable[[Callable[[], None]], object]
"""Runs a thunk on the host's thread; safe to call from any thread (``loop.call_soon_threadsafe``)."""


class InvokeResult(Protocol):
    """The answer of Lambda's Invoke. ``function_error`` is None, "Handled" or "Unhandled" (X-Amz-Function-Error)."""

    @property
    def payload(self) -> bytes: ...
    @property
    def function_error(self) -> str | None: ...
    @property
    def executed_version(self) -> str: ...
    @property
    def status_code(self) -> int: ...


class Lambdas(Protocol):
    """Runs functions.

    ``function`` is a name, a partial or a full ARN (with or without qualifier). Raises ``LookupError`` whose text is
    AWS's ("Function not found: arn:…") when there is none, and an error with ``code``, ``message`` and ``status`` for
    Lambda's other refusals. A time-out is a ``function_error`` with Lambda's payload.
    """

    def invoke(
        self,
        function: str,
        payload: bytes,
        qualifier: str | None = None,
        *,
        client_context: Mapping[str, Any] | None = None,
    ) -> InvokeResult: ...

    def begin(
        self,
        function: str,
        payload: bytes,
        qualifier: str | None = None,
        *,
        client_context: Mapping[str, Any] | None = None,
    ) -> Future[Any] | None:
        """Like ``invoke``, on the host's thread and without waiting. The future is an ``InvokeResult``'s; ``None`` if
        that can't be done now, and nothing was done.
        """


class Tokens(Protocol):
    """The registry behind SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat."""

    def wait(self, token: str, waiter: Waiter) -> None: ...
    def forget(self, token: str) -> None:
        """Forgets a token; an answer to it gets TaskTimedOut from now on. Idempotent."""


class ActivityQueues(Protocol):
    """The queues behind GetActivityTask. The caller of ``offer`` registers the token with ``Tokens``."""

    def exists(self, activity_arn: str) -> bool: ...
    def offer(self, activity_arn: str, token: str, text: str, taken: Callable[[str | None], None]) -> None:
        """Queues the task with its input text; ``taken(worker_name)`` is called when a worker gets it."""

    def withdraw(self, activity_arn: str, token: str) -> None:
        """Takes a task back that no worker took. Idempotent."""


class Child(Protocol):
    """A nested execution that was started; ``start_date`` is epoch seconds."""

    @property
    def arn(self) -> str: ...
    @property
    def start_date(self) -> float: ...


class NestedExecutions(Protocol):
    """Starts executions for ``states:startExecution`` and reports their end."""

    def start(self, machine_arn: str, name: str, text: str, trace_header: str | None = None) -> Child:
        """Starts one with the input text. The same name and text while it runs gives the same child again.

        Raises the service's API error, which has ``code`` and ``message``, for a refusal of StartExecution.
        """

    def watch(self, execution_arn: str, ended: Callable[[Mapping[str, Value]], None]) -> Work:
        """Calls ``ended`` once at its end, with DescribeExecution's answer (wire names, dates as epoch seconds).

        At once if it has ended. Cancelling stops the watching, not the execution.
        """

    def stop(self, execution_arn: str, error: str | None, cause: str | None) -> None: ...
