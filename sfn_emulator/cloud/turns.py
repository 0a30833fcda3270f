"""Who is inside moto. Its backends are neither thread-safe nor apart (SNS writes into SQS), so one at a time.

But a request that has been inside for a while does not keep out those that have nothing to do with it: a million
resources of API Gateway need not hold up a queue. Two requests are apart if neither can reach the backends of the
other's service. What one of a service may reach is told below, read from moto's imports; of a service that is not in
the table nothing is known, so it is apart from none.
"""

import math
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple, TypeAlias

Room: TypeAlias = frozenset[str] | None
"""Modules of moto; ``None`` stands for all."""

AWHILE: Final = 0.05
"""Seconds inside, after which others may come in beside one."""

REACHED: Final[Mapping[str, frozenset[str]]] = {
    module: frozenset(others.split())
    for module, others in {
        "apigateway": "apigatewayv2",
        "apigatewayv2": "apigateway",
        "awslambda": "dynamodb dynamodbstreams ecr iam kinesis logs s3 sqs sts",
        "cloudwatch": "kinesis s3",
        "codedeploy": "",
        "cognitoidentity": "",
        "cognitoidp": "",
        "dynamodb": "dynamodbstreams kms",
        "dynamodbstreams": "dynamodb",
        "ec2": "autoscaling elbv2 iam kms logs s3 sts",
        "ecr": "iam sts",
        "events": "logs secretsmanager sqs",
        "iam": "s3 sts",
        "kinesis": "cloudwatch",
        "kms": "",
        "logs": "firehose kinesis s3",
        "pipes": "",
        "s3": "cloudwatch events iam kms logs s3control sns sqs sts",
        "scheduler": "",
        "secretsmanager": "kms",
        "sns": "sqs",
        "sqs": "",
        "ssm": "ec2 kms secretsmanager",
        "sts": "iam",
    }.items()
}
"""Module → modules whose backends its requests may touch. Functions are none of them: they are called from outside."""


class _Turn(NamedTuple):
    room: Room
    reach: Room
    began: float


class Turns:
    """A thread may take its turn again inside its turn."""

    def __init__(self) -> None:
        self._moved = threading.Condition(threading.Lock())
        self._inside: dict[int, _Turn] = {}
        self._closed = False
        self._reaches: dict[Room, Room] = {None: None}

    @contextmanager
    def taken(self, room: Room, *, stays: bool = False) -> Iterator[None]:
        """Waits for a turn among the modules of ``room``, and holds it. ``stays``: it touches no others."""
        if threading.get_ident() in self._inside:
            yield
            return
        self._enter(room, room if stays else self._reach(room))
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def taken_at_once(self, room: Room, *, within: float = 0.0) -> Iterator[bool]:
        """Takes a turn if it comes within so many seconds, and gives whether it did."""
        came = self._enter(room, self._reach(room), within)
        try:
            yield came
        finally:
            if came:
                self._leave()

    @contextmanager
    def given_away(self) -> Iterator[None]:
        """Lets others have this thread's turn meanwhile, and then waits for another one."""
        turn = self._inside[threading.get_ident()]
        self._leave()
        try:
            yield
        finally:
            self._enter(turn.room, turn.reach)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else is inside. If so, nobody comes in while it lasts."""
        with self._moved:
            self._closed = is_alone = len(self._inside) == 1
        try:
            yield is_alone
        finally:
            if is_alone:
                with self._moved:
                    self._closed = False
                    self._moved.notify_all()

    def _enter(self, room: Room, reach: Room, within: float = math.inf) -> bool:
        with self._moved:
            turn = _Turn(room, reach, time.monotonic())
            until = turn.began + within
            while (wait := self._wait(turn)) > 0:
                if turn.began >= until:
                    return False
                wait = min(wait, until - turn.began)
                self._moved.wait(None if wait == math.inf else wait)
                turn = turn._replace(began=time.monotonic())
            self._inside[threading.get_ident()] = turn
            return True

    def _leave(self) -> None:
        with self._moved:
            del self._inside[threading.get_ident()]
            if self._inside:
                self._moved.notify_all()
            else:
                self._moved.notify()  # whoever it is may come in

    def _wait(self, turn: _Turn) -> float:
        """Seconds until to look whether the turn may begin; infinite if somebody has to leave first."""
        if not self._inside:
            return 0.0
        if self._closed or not all(_are_apart(turn, other) for other in self._inside.values()):
            return math.inf
        return max(other.began for other in self._inside.values()) + AWHILE - turn.began

    def _reach(self, room: Room) -> Room:
        if room not in self._reaches:
            known = room is not None and room <= REACHED.keys()
            self._reaches[room] = room.union(*(REACHED[it] for it in room)) if room and known else None
        return self._reaches[room]


def _are_apart(one: _Turn, other: _Turn) -> bool:
    if one.reach is None or other.reach is None or one.room is None or other.room is None:
        return False
    return one.reach.isdisjoint(other.room) and other.reach.isdisjoint(one.room)
