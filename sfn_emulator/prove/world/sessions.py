"""Handlers' boto3 clients, from any session: each asks this world, and equal clients are shared.

Each function has its own copy of its modules and would make its own clients, in every copy of the world again. Making
a client takes longer than most calls, so they are kept by their parameters. Clients that a rehearsal made in this
process exist in every copy.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from sfn_emulator.cloud.requests.transport import Answer, connect


class Sessions:
    """Once it is installed, it sees every botocore session of the process."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._clients: dict[str, Any] = {}

    def install(self) -> None:
        """Installs this in a copy of the process, which uses sessions for nothing else. The default session is made
        again.
        """
        import boto3
        import botocore

        botocore.register_initializer(self._initialise)
        boto3.DEFAULT_SESSION = None

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Installs this for its block, in this process, which uses sessions otherwise before and afterwards."""
        import boto3
        import botocore

        default = boto3.DEFAULT_SESSION
        self.install()
        try:
            yield
        finally:
            botocore.unregister_initializer(self._initialise)
            boto3.DEFAULT_SESSION = default

    def _initialise(self, session: Any) -> None:
        connect(SimpleNamespace(events=session.get_component("event_emitter")), self._answer)
        session.create_client = self._knowing(session.create_client)

    def _knowing(self, create: Callable[..., Any]) -> Callable[..., Any]:
        def known(service: str, region_name: str | None = None, **named: Any) -> Any:
            region = region_name or os.environ.get("AWS_REGION")
            key = f"{service} {region} {sorted(named.items(), key=repr)}"
            if key not in self._clients:
                self._clients[key] = create(service, region, **named)
            return self._clients[key]

        return known
