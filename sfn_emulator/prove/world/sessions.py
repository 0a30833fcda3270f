"""Handlers' boto3 clients, whatever sessions they make: each asks us, and clients that are alike are one.

Each function has its own copy of its modules and would make its own clients, in every copy of the world again. Making
a client takes longer than most calls, so they are kept by what they are made of; ``warm`` makes in this process those
that a run in a copy needed.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any, Final

from sfn_emulator.cloud.transport import Answer, connect
from sfn_emulator.prove.world.prepared import ENDPOINT

Made = tuple[str, str | None, dict[str, Any]]
"""Service, region, and the other arguments a client was made with."""

_AS_LAMBDA: Final = {
    "AWS_ENDPOINT_URL": ENDPOINT,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_SESSION_TOKEN": "test",
}


class Sessions:
    """Knows the clients that were made; once it is installed, it sees every botocore session of the process."""

    def __init__(self, answer: Answer) -> None:
        self.made: dict[str, Made] = {}
        self._answer = answer
        self._clients: dict[str, Any] = {}

    def install(self) -> None:
        """For a copy of the process, which has no other use for sessions. The default one is made anew."""
        import boto3
        import botocore

        botocore.register_initializer(self._initialise)
        boto3.DEFAULT_SESSION = None

    def _initialise(self, session: Any) -> None:
        connect(SimpleNamespace(events=session.get_component("event_emitter")), self._answer)
        session.create_client = self._knowing(session.create_client)

    def _knowing(self, create: Callable[..., Any]) -> Callable[..., Any]:
        def known(service: str, region_name: str | None = None, **named: Any) -> Any:
            region = region_name or os.environ.get("AWS_REGION")
            key = f"{service} {region} {sorted(named.items(), key=repr)}"
            if key not in self._clients:
                self._clients[key] = create(service, region, **named)
                self.made[key] = (service, region, named)
            return self._clients[key]

        return known

    def warm(self, made: list[Made]) -> None:
        import botocore.session

        session = botocore.session.get_session()
        self._initialise(session)
        with _as_lambda():
            for service, region, named in made:
                with suppress(Exception):  # it is made when it is needed
                    session.create_client(service, region, **named)


@contextmanager
def _as_lambda() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _AS_LAMBDA}
    os.environ.update(_AS_LAMBDA)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
