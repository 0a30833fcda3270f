"""Stacks within a stack: each is a stack of its own, deployed on its parent's thread."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sfn_emulator.cloud.stacks.books import Books
from sfn_emulator.cloud.stacks.deploying.deployment import Deployment
from sfn_emulator.cloud.stacks.deploying.journal import tell_stack
from sfn_emulator.cloud.stacks.deploying.submission import submitted
from sfn_emulator.cloud.stacks.errors import ResourceError, StackError
from sfn_emulator.cloud.stacks.records import Stack, Version
from sfn_emulator.cloud.stacks.resources.kind import Hands, Made, Properties

_NOTHING = Version("", {})


class NestedStacks:
    """``submit`` blocks. A failure in the nested stack fails its parent's resource."""

    def __init__(self, books: Books, is_stopping: Callable[[], bool]) -> None:
        self._books, self._is_stopping = books, is_stopping

    def create(self, hands: Hands, name: str, properties: Properties) -> Made:
        stack_id = hands.arn("cloudformation", f"stack/{name}/{hands.world.new_id()}")
        parent = self._books.stack(hands.stack_id)
        stack = Stack(
            stack_id,
            name,
            hands.region,
            _NOTHING,
            "CREATE_IN_PROGRESS",
            self._books.now(),
            parent=parent.id,
            root=parent.root or parent.id,
            token=parent.token,
        )
        version = self._version(hands, stack, properties, None)
        self._books.put(replace(stack, version=version))
        hands.noted(stack_id)
        return self._deployed(hands, stack_id, "CREATE_COMPLETE")

    def update(self, hands: Hands, stack: str, properties: Properties) -> Made:
        standing = self._settled(hands, stack)
        version = self._version(hands, standing, properties, standing.version)
        if version != standing.version:
            self._books.change(
                stack,
                version=version,
                previous=standing.version,
                status="UPDATE_IN_PROGRESS",
                updated=self._books.now(),
            )
            return self._deployed(hands, stack, "UPDATE_COMPLETE")
        return self._made(stack)

    def _settled(self, hands: Hands, stack: str) -> Stack:
        """The nested stack, once a deployment that a killed server left unfinished has ended."""
        if self._books.stack(stack).is_busy:
            Deployment(self._books, hands.world, stack, self._is_stopping).run(resumed=True)
        return self._books.stack(stack)

    def delete(self, hands: Hands, stack: str) -> None:
        if self._books.stack(stack).is_gone:
            return
        self._books.change(stack, status="DELETE_IN_PROGRESS")
        self._deployed(hands, stack, "DELETE_COMPLETE")

    def _version(self, hands: Hands, stack: Stack, properties: Properties, previous: Version | None) -> Version:
        given = [
            {"ParameterKey": key, "ParameterValue": _text(value)}
            for key, value in (properties.get("Parameters") or {}).items()
        ]
        parent = self._books.stack(hands.stack_id).version
        tags = {**parent.tags, **{tag["Key"]: tag["Value"] for tag in properties.get("Tags") or ()}}
        told: dict[str, Any] = {
            "TemplateURL": properties.get("TemplateURL"),
            "TemplateBody": properties.get("TemplateBody"),
            "Parameters": given,
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            "Capabilities": parent.capabilities,
            "NotificationARNs": list(properties.get("NotificationARNs") or ()),
        }
        try:
            return submitted(stack, told, hands.world, self._books, previous)
        except StackError as error:
            raise ResourceError(error.message) from None

    def _deployed(self, hands: Hands, stack: str, wanted: str) -> Made:
        tell_stack(self._books, self._books.stack(stack), None)
        Deployment(self._books, hands.world, stack, self._is_stopping).run()
        end = self._books.stack(stack)
        if end.status != wanted:
            reasons = [event.reason for event in self._books.events(stack) if event.reason and "FAILED" in event.status]
            told = reasons[-1] if reasons else end.reason
            raise ResourceError(f"Embedded stack {stack} was not successfully {_DONE[wanted]}: {told or end.status}")
        return self._made(stack)

    def _made(self, stack: str) -> Made:
        outputs = self._books.stack(stack).outputs
        return Made(stack, {f"Outputs.{row.key}": row.value for row in outputs})


_DONE = {"CREATE_COMPLETE": "created", "UPDATE_COMPLETE": "updated", "DELETE_COMPLETE": "deleted"}


def _text(value: Any) -> str:
    return ",".join(map(_text, value)) if isinstance(value, list) else str(value)
