"""Records a deployment: the state of the stack and of each resource, with an event for every step."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import orjson

from sfn_emulator.cloud.stacks.books import Books
from sfn_emulator.cloud.stacks.deploying.policy import check
from sfn_emulator.cloud.stacks.records import Event, Resource, Stack

STACK_TYPE: Final = "AWS::CloudFormation::Stack"


class StoppedError(Exception):
    """The server ends. The stack stays as it is in the store, and the next server goes on with it."""


class StackJournal:
    """One stack's states and events."""

    def __init__(self, books: Books, stack_id: str, is_stopping: Callable[[], bool]) -> None:
        self.books, self.stack_id = books, stack_id
        self._is_stopping = is_stopping

    @property
    def stack(self) -> Stack:
        return self.books.stack(self.stack_id)

    @property
    def resources(self) -> dict[str, Resource]:
        return self.books.resources(self.stack_id)

    def check(self) -> None:
        """Called between two steps. Raises ``StoppedError`` if the deployment is to stop."""
        if self._is_stopping():
            raise StoppedError

    def permit(self, action: str, resource: Resource) -> None:
        """Raises ``ResourceError`` if the stack policy forbids an update to do that to the resource."""
        stack = self.stack
        check(stack.overriding or stack.policy, action, resource.logical, resource.type)

    def enter(self, status: str, reason: str | None = None, **changes: Any) -> Stack:
        """Sets the stack's next status, with its event."""
        stack = self.books.change(self.stack_id, status=status, reason=reason, **changes)
        tell_stack(self.books, stack, reason)
        return stack

    def mark(self, resource: Resource, status: str, reason: str | None = None, **changes: Any) -> Resource:
        """Stores the resource's next status, with its event."""
        now = self.books.now()
        marked = replace(resource, status=status, reason=reason, updated=now, **changes)
        self.books.put_resource(self.stack_id, marked)
        self.tell(marked, status, reason)
        return marked

    def tell(self, resource: Resource, status: str, reason: str | None = None) -> None:
        """Records an event only: for a resource that is removed after an update and no longer belongs to the stack."""
        event = Event(
            f"{resource.logical}-{status}-{self.books.new_id()}",
            self.stack_id,
            resource.logical,
            resource.physical,
            resource.type,
            status,
            self.books.now(),
            reason,
            orjson.dumps(resource.properties).decode(),
            self.stack.token,
        )
        self.books.tell(self.stack, event)


def tell_stack(books: Books, stack: Stack, reason: str | None) -> None:
    """Writes an event of the stack itself, with its present status."""
    books.tell(
        stack,
        Event(
            books.new_id(),
            stack.id,
            stack.name,
            stack.id,
            STACK_TYPE,
            stack.status,
            books.now(),
            reason,
            None,
            stack.token,
        ),
    )
