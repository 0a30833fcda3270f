"""Activities: their records, and the queues between Tasks and the workers that poll."""

from asyncio import CancelledError, Future
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from sfn_emulator.service import arns
from sfn_emulator.service.errors import refuse
from sfn_emulator.service.machines.configurations import OWNED_KEY, encryption_of
from sfn_emulator.service.names import check_name
from sfn_emulator.service.operations.tags import merged
from sfn_emulator.service.paging import page, page_size, resume
from sfn_emulator.service.store.records import Activity
from sfn_emulator.service.surroundings import Surroundings

MOST: Final = 10_000
MOST_POLLERS: Final = 1_000
POLL_SECONDS: Final = 60.0
_NO_TASK: Final[dict[str, Any]] = {"taskToken": None}


class _Offer(NamedTuple):
    token: str
    text: str
    taken: Callable[[str | None], None]


class _Poller(NamedTuple):
    worker: str | None
    answer: "Future[dict[str, Any]]"


class _Queue:
    """One activity's tasks, oldest first, and the workers that wait for one, longest wait first."""

    def __init__(self) -> None:
        self.offers: dict[str, _Offer] = {}
        self.pollers: deque[_Poller] = deque()

    def match(self) -> None:
        while self.offers and self.pollers:
            poller = self.pollers.popleft()
            if not poller.answer.done():
                offer = self.offers.pop(next(iter(self.offers)))
                poller.answer.set_result({"taskToken": offer.token, "input": offer.text})
                offer.taken(poller.worker)

    def give_back(self, task: Mapping[str, Any]) -> None:
        """Gives a task back whose worker went away just as it got the task: the next one gets it, already begun."""
        token = task.get("taskToken")
        if token:
            self.offers = {token: _Offer(token, task["input"], lambda worker: None), **self.offers}
            self.match()


class Activities:
    """``exists``, ``offer`` and ``withdraw`` are for the task runner; the other methods are operations."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._queues: dict[str, _Queue] = {}

    # -- for Tasks

    def exists(self, activity_arn: str) -> bool:
        return self._around.store.get(Activity, activity_arn) is not None

    def offer(self, activity_arn: str, token: str, text: str, taken: Callable[[str | None], None]) -> None:
        """Queues a task with its input text; ``taken(worker_name)`` is called when a worker gets it."""
        queue = self._queue(activity_arn)
        queue.offers[token] = _Offer(token, text, taken)
        queue.match()

    def withdraw(self, activity_arn: str, token: str) -> None:
        """Withdraws a task. Idempotent."""
        self._queue(activity_arn).offers.pop(token, None)

    def abandon(self) -> None:
        """Answers waiting workers without a task."""
        for queue in self._queues.values():
            for poller in queue.pollers:
                _give_up(poller.answer)

    def _queue(self, arn: str) -> _Queue:
        return self._queues.setdefault(arn, _Queue())

    # -- operations

    async def get_activity_task(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """Waits up to 60 s for a task."""
        activity = _activity(around, told["activityArn"])
        queue = self._queue(activity.arn)
        if len(queue.pollers) >= MOST_POLLERS:
            raise refuse("ActivityWorkerLimitExceeded", f"{MOST_POLLERS} workers poll this activity")
        answer: Future[dict[str, Any]] = around.loop.create_future()
        queue.pollers.append(_Poller(told.get("workerName"), answer))
        queue.match()
        patience = around.loop.call_later(POLL_SECONDS, _give_up, answer)
        try:
            return await answer
        except CancelledError:
            if answer.done() and not answer.cancelled():
                queue.give_back(answer.result())
            raise
        finally:
            patience.cancel()
            if answer.cancelled() or answer.result() is _NO_TASK:
                queue.pollers = deque(poller for poller in queue.pollers if poller.answer is not answer)

    def create_activity(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """Idempotent by name; another encryption is a conflict, other tags are ignored (API_CreateActivity)."""
        check_name(told["name"])
        encryption = encryption_of(told.get("encryptionConfiguration"))
        arn = around.place.arn("activity", told["name"])
        existing = around.store.get(Activity, arn)
        if existing is not None and existing.encryption != encryption:
            raise refuse("ActivityAlreadyExists", arn)
        if existing is None:
            if around.store.count(Activity, around.place.region) >= MOST:
                raise refuse("ActivityLimitExceeded", f"there may be {MOST}")
            tags = merged({}, told.get("tags", ()), arn)
            existing = Activity(arn, around.place.region, told["name"], around.now(), encryption, tags)
            around.store.put(existing)
        return {"activityArn": arn, "creationDate": existing.created_at}

    def delete_activity(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """Idempotent. Workers that wait get nothing; tasks that are queued wait for their time-out."""
        arn = arns.parse(told["activityArn"], "activity").text
        found = around.store.get(Activity, arn)
        if found is not None:
            around.store.delete(found)
            for poller in self._queue(arn).pollers:
                _give_up(poller.answer)
        return {}

    def describe_activity(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        activity = _activity(around, told["activityArn"])
        return _brief(activity) | {"encryptionConfiguration": activity.encryption or OWNED_KEY}

    def list_activities(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        scope, size = f"activities {around.place.region}", page_size(told.get("maxResults"))
        after = resume(scope, told.get("nextToken"), around.now())
        found = around.store.documents(Activity, around.place.region, after=after, limit=size + 1)
        shown, more = page(found, size, scope, lambda activity: (activity.created_at, activity.key), around.now())
        return {"activities": [_brief(activity) for activity in shown], **more}


def _give_up(answer: "Future[dict[str, Any]]") -> None:
    if not answer.done():
        answer.set_result(_NO_TASK)


def _activity(around: Surroundings, arn: str) -> Activity:
    found = around.store.get(Activity, arns.parse(arn, "activity").text)
    if found is None:
        raise refuse("ActivityDoesNotExist", arn)
    return found


def _brief(activity: Activity) -> dict[str, Any]:
    return {"activityArn": activity.arn, "name": activity.name, "creationDate": activity.created_at}
