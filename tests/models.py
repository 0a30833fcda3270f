"""botocore's descriptions of services, read once: they never change, and reading them takes most of making a client.

What is read before a process forks, all that it forks know.
"""

from typing import Any

from botocore.loaders import JSONFileLoader

_found: dict[str, Any] = {}
_load = JSONFileLoader.load_file


def read_once() -> None:
    """From now on no session of this process reads a file that another has read."""
    JSONFileLoader.load_file = _known  # type: ignore[method-assign]


def read(service: str) -> None:
    """All that botocore and moto read before the first request to ``service``."""
    from moto.core.base_backend import AccountSpecificBackend  # moto reads the environment when it is imported
    from moto.core.utils import get_service_model

    AccountSpecificBackend.get_session().client(
        service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none"
    )
    get_service_model(service)


def _known(self: JSONFileLoader, path: str) -> Any:
    if _found.get(path) is None:  # there is no such file, or not yet
        _found[path] = _load(self, path)
    return _found[path]
