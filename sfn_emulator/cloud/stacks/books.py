"""All stacks as they stand, in memory and in the store at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sfn_emulator.cloud.stacks.errors import StackError
from sfn_emulator.cloud.stacks.records import ChangeSet, Event, Resource, Stack, document
from sfn_emulator.cloud.stacks.store import Store

_DELETED_FOR: float = 90 * 86_400.0
"""Seconds for which a deleted stack is still listed (CloudFormation, DescribeStacks: 90 days)."""


class Books:
    """Thread-safe. A write is in the store before the call returns."""

    def __init__(self, store: Store, now: Callable[[], float], new_id: Callable[[], str]) -> None:
        self.now, self.new_id = now, new_id
        self._store = store
        self.lock = threading.RLock()
        self._stacks = {key: Stack.of(told) for _, key, told in store.rows("stack")}
        self._sets = {key: ChangeSet.of(told) for _, key, told in store.rows("change set")}
        self._resources: dict[str, dict[str, Resource]] = {}
        self._leftovers: dict[str, dict[str, Resource]] = {}
        self._events: dict[str, list[Event]] = {}
        self.on_event: Callable[[Stack, Event], None] = lambda stack, event: None
        for owner, key, told in store.rows("resource"):
            self._resources.setdefault(owner, {})[key] = Resource.of(told)
        for owner, key, told in store.rows("leftover"):
            self._leftovers.setdefault(owner, {})[key] = Resource.of(told)
        for owner, _, told in store.rows("event"):
            self._events.setdefault(owner, []).append(Event(**told))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Writes within its block are stored together, or not at all."""
        with self.lock, self._store.together():
            yield

    # -- stacks

    def stacks(self, region: str) -> list[Stack]:
        """Newest first."""
        with self.lock:
            found = [stack for stack in self._stacks.values() if stack.region == region]
        since = self.now() - _DELETED_FOR
        kept = [stack for stack in found if not stack.is_gone or (stack.deleted or 0) > since]
        return sorted(kept, key=lambda stack: stack.created, reverse=True)

    def everywhere(self) -> list[Stack]:
        with self.lock:
            return list(self._stacks.values())

    def stack(self, stack_id: str) -> Stack:
        with self.lock:
            return self._stacks[stack_id]

    def find(self, region: str, name: str) -> Stack | None:
        """The stack of that name or id; a deleted one is found by its id alone."""
        with self.lock:
            if name in self._stacks:
                return self._stacks[name]
            found = (stack for stack in self._stacks.values() if stack.name == name and stack.region == region)
            return next((stack for stack in found if not stack.is_gone), None)

    def get(self, region: str, name: str) -> Stack:
        """Raises ``StackError`` in AWS's words."""
        found = self.find(region, name)
        if found is None:
            raise StackError(f"Stack with id {name} does not exist")
        return found

    def put(self, stack: Stack) -> Stack:
        with self.lock:
            self._store.put("stack", "", stack.id, document(stack))
            self._stacks[stack.id] = stack
        return stack

    def change(self, stack_id: str, **changes: Any) -> Stack:
        with self.lock:
            return self.put(replace(self._stacks[stack_id], **changes))

    def forget(self, stack_id: str) -> None:
        """Forgets a stack that had only a change set and was never made."""
        with self.together():
            for kind in ("resource", "leftover", "event"):
                self._store.remove(kind, stack_id)
            self._store.remove("stack", "", stack_id)
            self._stacks.pop(stack_id, None)
            for held in (self._resources, self._leftovers, self._events):
                held.pop(stack_id, None)

    # -- resources

    def resources(self, stack_id: str) -> dict[str, Resource]:
        with self.lock:
            return dict(self._resources.get(stack_id, {}))

    def put_resource(self, stack_id: str, resource: Resource) -> Resource:
        with self.lock:
            self._store.put("resource", stack_id, resource.logical, document(resource))
            self._resources.setdefault(stack_id, {})[resource.logical] = resource
        return resource

    def remove_resource(self, stack_id: str, logical: str) -> None:
        with self.lock:
            self._store.remove("resource", stack_id, logical)
            self._resources.get(stack_id, {}).pop(logical, None)

    def leftovers(self, stack_id: str) -> dict[str, Resource]:
        """Resources that left the stack and are still to be removed, by a key of ours."""
        with self.lock:
            return dict(self._leftovers.get(stack_id, {}))

    def leave(self, stack_id: str, resource: Resource) -> None:
        """Puts a resource among what is to be removed."""
        with self.lock:
            key = f"{len(self._leftovers.get(stack_id, {})):05}-{resource.logical}-{self.new_id()[:8]}"
            self._store.put("leftover", stack_id, key, document(resource))
            self._leftovers.setdefault(stack_id, {})[key] = resource

    def remove_leftover(self, stack_id: str, key: str) -> None:
        with self.lock:
            self._store.remove("leftover", stack_id, key)
            self._leftovers.get(stack_id, {}).pop(key, None)

    # -- events

    def events(self, stack_id: str) -> list[Event]:
        """Newest first."""
        with self.lock:
            return list(reversed(self._events.get(stack_id, [])))

    def tell(self, stack: Stack, event: Event) -> None:
        with self.lock:
            listed = self._events.setdefault(stack.id, [])
            self._store.put("event", stack.id, f"{len(listed):08}", document(event))
            listed.append(event)
        self.on_event(stack, event)

    # -- change sets

    def change_sets(self, stack_id: str) -> list[ChangeSet]:
        with self.lock:
            return [told for told in self._sets.values() if told.stack == stack_id]

    def change_set(self, region: str, name: str, stack: str | None) -> ChangeSet:
        """By its ARN, or by its name in a stack. Raises ``StackError``."""
        with self.lock:
            if name in self._sets:
                return self._sets[name]
            owner = self.find(region, stack) if stack else None
            if stack and owner is None:
                raise StackError(f"Stack [{stack}] does not exist")
            mine = (told for told in self._sets.values() if owner is not None and told.stack == owner.id)
            found = next((told for told in mine if told.name == name), None)
        if found is None:
            raise StackError(f"ChangeSet [{name}] does not exist", "ChangeSetNotFound", 404)
        return found

    def put_change_set(self, told: ChangeSet) -> ChangeSet:
        with self.lock:
            self._store.put("change set", "", told.id, document(told))
            self._sets[told.id] = told
        return told

    def remove_change_set(self, told: ChangeSet) -> None:
        with self.lock:
            self._store.remove("change set", "", told.id)
            self._sets.pop(told.id, None)

    # -- exports

    def exports(self, region: str) -> dict[str, tuple[str, str]]:
        """Name → value and the id of the stack that exports it."""
        with self.lock:
            standing = [stack for stack in self._stacks.values() if stack.region == region and not stack.is_gone]
        return {row.export: (row.value, stack.id) for stack in standing for row in stack.outputs if row.export}

    def importers(self, region: str, export: str) -> list[Stack]:
        with self.lock:
            standing = [stack for stack in self._stacks.values() if stack.region == region and not stack.is_gone]
        return [stack for stack in standing if export in stack.imports]

    def wipe(self) -> None:
        """Removes everything that was written. These books must not be used afterwards."""
        self._store.wipe()

    def close(self) -> None:
        self._store.close()
