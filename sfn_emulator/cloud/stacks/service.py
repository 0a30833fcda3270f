"""CloudFormation without its wire format: the stacks, their deployments, and resuming after a restart."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sfn_emulator.cloud.stacks.books import Books
from sfn_emulator.cloud.stacks.deploying.deployment import Deployment
from sfn_emulator.cloud.stacks.deploying.journal import StoppedError
from sfn_emulator.cloud.stacks.deploying.nested import NestedStacks
from sfn_emulator.cloud.stacks.deploying.signals import PutSignals
from sfn_emulator.cloud.stacks.records import Event, Stack
from sfn_emulator.cloud.stacks.resources.kind import World
from sfn_emulator.cloud.stacks.store import Store

_log: Final = logging.getLogger(__name__)
_PATIENCE: Final = 10.0
"""Seconds for which the answer to a call that begins a deployment is delayed at most."""


class StackService:
    """All stacks of a server. Each deployment has a thread of its own."""

    def __init__(
        self,
        *,
        directory: Path | None,
        fsync: bool,
        account: str,
        client: Callable[[str, str], Any],
        endpoint: Callable[[], str],
        now: Callable[[], float],
        new_id: Callable[[], str],
        pace: float,
    ) -> None:
        """``pace`` is how many of the server's seconds pass in one second (0: waits are skipped). Raises
        ``StateDirError`` if the store can't be used.
        """
        self._stopping = threading.Event()
        self._moving = threading.Condition()
        self._moved = 0.0
        self._threads: dict[str, threading.Thread] = {}
        self.books = Books(Store(directory, fsync=fsync), now, new_id)
        self.signals = PutSignals(endpoint, self._stopping.is_set, self._passed)
        nested = NestedStacks(self.books, self._stopping.is_set)
        self.world = World(client, account, endpoint, new_id, self._pause, self.signals, nested)
        self._pace = pace
        self.books.on_event = self._publish

    def deploy(self, stack_id: str, *, resumed: bool = False) -> None:
        """Begins the work that the stack's status asks for; returns at once."""
        thread = threading.Thread(target=self._run, args=(stack_id, resumed), name=f"stack {stack_id}", daemon=True)
        self._threads[stack_id] = thread
        thread.start()

    def settle(self, stack_id: str) -> None:
        """Waits a little for a deployment to end: most end at once, and clients look again only after 5 or 30 s."""
        thread = self._threads.get(stack_id)
        if thread is not None:
            thread.join(_PATIENCE)

    def _run(self, stack_id: str, resumed: bool) -> None:
        try:
            Deployment(self.books, self.world, stack_id, self._stopping.is_set).run(resumed=resumed)
        except StoppedError:
            return
        except Exception:
            if not self._stopping.is_set():
                _log.exception("Stack %s stopped by a fault of the emulator's own", stack_id)
        finally:
            self._threads.pop(stack_id, None)

    def hasten(self, seconds: float) -> None:
        """Time was moved on by hand."""
        with self._moving:
            self._moved += seconds
            self._moving.notify_all()

    def _pause(self, seconds: float) -> None:
        if not self._pace:
            return
        with self._moving:
            until = self._elapsed() + seconds
            while (left := until - self._elapsed()) > 0:
                if self._stopping.is_set():
                    raise StoppedError
                self._moving.wait(left / self._pace)

    def _elapsed(self) -> float:
        return time.monotonic() * self._pace + self._moved

    def _passed(self) -> float:
        """Like ``_elapsed``, but also where waits are skipped: whoever is to answer takes his time all the same."""
        return time.monotonic() * max(self._pace, 1.0) + self._moved

    def stop(self) -> None:
        """Lets deployments stop between two steps; they may still be under way when this returns."""
        self._stopping.set()
        with self._moving:
            self._moving.notify_all()

    def resume(self) -> None:
        """Goes on with deployments that the last server left unfinished."""
        for stack in self.books.everywhere():
            if stack.is_busy and stack.parent is None:
                _log.info("Stack %s was %s when the server stopped; it goes on", stack.name, stack.status)
                self.deploy(stack.id, resumed=True)

    def abandon(self) -> None:
        """Forgets all stacks, also those under way. Their resources stay."""
        self.stop()
        self._join_threads()
        self.books.wipe()
        self.books.close()

    def close(self) -> None:
        """Stops between two steps. The next server goes on with deployments under way."""
        self.stop()
        self._join_threads()
        self.books.close()

    def _join_threads(self, patience: float = 2.0) -> None:
        """All of them together get ``patience`` seconds."""
        latest = time.monotonic() + patience
        for thread in list(self._threads.values()):
            thread.join(max(0.0, latest - time.monotonic()))

    def _publish(self, stack: Stack, event: Event) -> None:
        """Publishes each event to the topics that the stack names."""
        for topic in stack.version.topics:
            lines = {
                "StackId": stack.id,
                "EventId": event.id,
                "LogicalResourceId": event.logical,
                "PhysicalResourceId": event.physical,
                "ResourceProperties": event.properties or "null",
                "ResourceStatus": event.status,
                "ResourceStatusReason": event.reason or "",
                "ResourceType": event.type,
                "StackName": stack.name,
            }
            text = "".join(f"{key}='{value}'\n" for key, value in lines.items())
            try:
                client = self.world.client("sns", stack.region)
                client.publish(TopicArn=topic, Message=text, Subject="AWS CloudFormation Notification")
            except Exception as error:
                _log.warning("Topic %s was not told of stack %s: %s", topic, stack.name, error)
