"""The participants that executions call and that outlive every server: a counting function, a queue, and workers.

They live in this process, reached by ``--endpoint lambda=…`` and ``--endpoint sqs=…``, so that what they saw is known
whatever became of the server that called.
"""

import contextlib
import hashlib
import json
import random  # noqa: TID251 - delays of clients, seeded
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from tests.waiting import PATIENCE


class Call(NamedTuple):
    """When a call came, and when its answer had been written (monotonic seconds)."""

    came: float
    answered: float


def mark(which: tuple[str, int, int]) -> str:
    """How an answer names the call it answers."""
    return "<{}#{}#{}>".format(*which)


class _Endpoint(ThreadingHTTPServer):
    daemon_threads = False  # joined at the end
    request_queue_size = 1_024  # all that a server has under way comes at once when this process had to wait

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.connections: list[socket.socket] = []
        self.problems: list[str] = []

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, client = super().get_request()
        self.connections.append(connection)
        return connection, client

    def handle_error(self, *_: Any) -> None:
        """Whoever called has been killed; anything else is told."""
        error = sys.exception()
        if not isinstance(error, OSError):
            self.problems.append(f"the endpoint: {error!r}")


class Participants:
    """The endpoint; ``calls`` by what the caller said it was (key, retry, redrive)."""

    def __init__(self) -> None:
        self.calls: dict[tuple[str, int, int], list[Call]] = defaultdict(list)
        self.messages: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self.taking = threading.Event()
        """While it is not set, the queue has a message and does not say so."""
        self.taking.set()
        self._server = _Endpoint(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.problems = self._server.problems

    def close(self) -> None:
        self.taking.set()
        self._server.shutdown()
        for connection in self._server.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()

    def invoked(self, payload: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """The function's answer, and whether it is an error. It names the call, to be found in histories."""
        call = mark((payload["key"], payload["retry"], payload["redrive"]))
        if payload["retry"] < payload.get("failures", 0):
            return {"errorType": "Again", "errorMessage": call}, True
        if payload.get("broken"):
            return {"errorType": "Broken", "errorMessage": call}, True
        return {"call": call, "value": payload["value"]}, False


def _handler(participants: Participants) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            came = time.monotonic()
            length = int(self.headers["content-length"])
            if len(data := self.rfile.read(length)) < length:
                return  # whoever called was killed midway
            body = json.loads(data)
            if "/functions/" not in self.path:
                self._received(body)
                return
            answer, failed = participants.invoked(body)
            self._answer(answer, {"X-Amz-Function-Error": "Unhandled"} if failed else {})
            which = body["key"], body["retry"], body["redrive"]
            participants.calls[which].append(Call(came, time.monotonic()))

        def _received(self, body: dict[str, Any]) -> None:
            text = body["MessageBody"]
            participants.messages.put(json.loads(text))
            participants.taking.wait(PATIENCE)
            self._answer({"MD5OfMessageBody": hashlib.md5(text.encode()).hexdigest(), "MessageId": "m"}, {})

        def _answer(self, body: Any, headers: dict[str, str]) -> None:
            data = json.dumps(body).encode()
            with contextlib.suppress(OSError):  # whoever asked may be dead
                self.send_response(200)
                for name, value in {**headers, "content-length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *_: Any) -> None: ...

    return Handler


class Crew:
    """Threads that answer callbacks and work on activities, trying again until somebody hears them."""

    def __init__(self, participants: Participants, client: Callable[[], Any], seed: int) -> None:
        self._participants = participants
        self._client = client
        self._activity = ""
        self._chance = random.Random(seed)
        self.over = threading.Event()
        self.problems: list[str] = []
        self.answers: dict[str, list[str]] = defaultdict(list)
        """By the execution that asked: what became of each answer to it, for those that do not end."""
        self._threads: list[threading.Thread] = []

    def start(self, activity: str) -> None:
        self._activity = activity
        for job in (self._answer_callbacks, self._answer_callbacks, self._work, self._work):
            thread = threading.Thread(target=self._guarded, args=(job,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join(5)

    def _guarded(self, job: Callable[[], None]) -> None:
        while not self.over.is_set():
            try:
                job()
            except Exception as error:
                self.problems.append(f"{job.__name__}: {error!r}")

    def _answer_callbacks(self) -> None:
        with contextlib.suppress(Empty):
            told = self._participants.messages.get(timeout=0.2)
            if told["key"].startswith("late"):
                return
            self.over.wait(self._chance.random())
            output = json.dumps({"answered": told["key"]})
            heard = self._heard("send_task_success", taskToken=told["token"], output=output)
            self.answers[told["key"]].append(heard)

    def _work(self) -> None:
        try:
            task = self._client().get_activity_task(activityArn=self._activity)
        except (BotoCoreError, ClientError):
            self.over.wait(0.05)
            return
        if not task.get("taskToken"):
            return
        told = json.loads(task["input"])
        if told["retry"] == 0:
            self._heard("send_task_failure", taskToken=task["taskToken"], error="Again")
        else:
            self._heard("send_task_success", taskToken=task["taskToken"], output=json.dumps({"done": told["key"]}))

    def _heard(self, operation: str, **told: str) -> str:
        """Whether somebody heard it, and when (monotonic seconds)."""
        last = ""
        for _ in self._until_heard():
            try:
                getattr(self._client(), operation)(**told)
                return f"heard at {time.monotonic():.1f}"
            except ClientError as error:
                if error.response["Error"]["Code"] == "TaskTimedOut":  # heard before, without our being told so
                    return f"heard before {time.monotonic():.1f}"
                self.problems.append(f"{operation}: {error}")
                return str(error)
            except BotoCoreError as error:
                last = str(error)
        return f"nobody heard it: {last}"

    def _until_heard(self) -> Iterator[None]:
        """As long as the trial takes: on a busy machine servers may die for a minute without having heard anything."""
        while not self.over.is_set():
            yield
            self.over.wait(0.05)
