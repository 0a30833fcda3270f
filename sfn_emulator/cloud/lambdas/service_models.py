"""The service models that boto3 reads to make a client, read once for all functions. Runs in the child processes, like
``worker``.
"""

import contextlib
import importlib
from typing import Any


class ServiceModels:
    """botocore's descriptions of services, read once: a worker is born with what the zygote has read.

    Reading those of one service takes most of making a first client. A function with a boto3 of its own reads its own.
    """

    def __init__(self) -> None:
        """From now on all sessions of this process and its children share what is read."""
        session: Any = importlib.import_module("botocore.session")
        create, self._read = session.create_loader, importlib.import_module("botocore.loaders").Loader()
        session.create_loader = lambda path=None: create(path) if path else self._read
        self._told: set[str] = set()

    def make(self, services: list[str]) -> None:
        """Makes a client of each service, so that its models are read."""
        boto3 = importlib.import_module("boto3")
        for name in services:
            with contextlib.suppress(Exception):  # it may be a service of another boto3
                boto3.session.Session("test", "test", region_name="us-east-1").client(name)
        self.news()

    def news(self) -> dict[str, Any]:
        """``models``: the services read since the last call; nothing if there are none."""
        fresh = {key[1] for key in list(self._read._cache) if key[0] == "load_service_model"} - self._told
        self._told |= fresh
        return {"models": sorted(fresh)} if fresh else {}
