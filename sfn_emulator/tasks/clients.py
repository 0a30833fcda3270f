"""The destinations of calls to other services, and the botocore clients that make them, created when first needed.

By default every service is in our own process (``connect``) or at one endpoint. A setting sends single services
elsewhere: to another endpoint, or to real AWS (``"aws"``) with the ordinary credential chain.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

REAL_AWS: Final = "aws"

Connect = Callable[[Any], None]
"""Makes a botocore client call the gateway in this process, without a socket."""


class ProfileError(Exception):
    """The user's own AWS credentials can't be read; the text gives the reason."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """``endpoint`` serves every service not named in ``services`` (botocore name → URL, or ``"aws"``)."""

    endpoint: str | None = None
    services: Mapping[str, str] = field(default_factory=dict)
    connect: Connect | None = None
    access_key: str = "test"
    secret_key: str = "test"

    def url(self, service: str) -> str | None:
        """The endpoint URL, or None for real AWS."""
        url = self._set(service) or self.endpoint
        return None if url == REAL_AWS else url

    def is_ours(self, service: str) -> bool:
        return self._set(service) is None

    def _set(self, service: str) -> str | None:
        """The setting for a service, by its own name or by its family's (``bedrock`` for bedrock-runtime)."""
        if not self.services:
            return None
        return self.services.get(service) or self.services.get(signing_name(service))


class Clients:
    """botocore clients, one per service and region, safe to use from any thread. Raises ``ProfileError`` if a service
    is to be real AWS and the shell's profile does not exist.
    """

    def __init__(self, destinations: Destinations) -> None:
        self._destinations = destinations
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._session: Any = None
        if REAL_AWS in destinations.services.values():
            self._find_credentials()

    def _find_credentials(self) -> None:
        """Finds the user's own credentials, before this process sets others."""
        from botocore.exceptions import BotoCoreError

        try:
            self._get_session().get_credentials()
        except BotoCoreError as error:
            text = f"The credentials for '--endpoint SERVICE=aws' can't be read: {error}. Check AWS_PROFILE."
            raise ProfileError(text) from None

    def is_ours(self, service: str) -> bool:
        """Whether the service is answered by one of our neighbours."""
        return self._destinations.is_ours(service)

    def _get_session(self) -> Any:
        import botocore.session

        if self._session is None:
            self._session = botocore.session.get_session()
        return self._session

    def client(self, service: str, region: str) -> Any:
        """The client of a botocore service name (``stepfunctions``, ``dynamodb``)."""
        key = (service, region)
        found = self._clients.get(key)
        if found is None:
            with self._lock:
                found = self._clients.get(key)
                if found is None:
                    found = self._clients[key] = self._create(service, region)
        return found

    def _create(self, service: str, region: str) -> Any:
        from botocore.config import Config

        url = self._destinations.url(service)
        config = Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            parameter_validation=False,
            s3={"addressing_style": "path"} if url else None,
            request_checksum_calculation="when_supported",  # like the Java SDK (recorded for PutObject)
            response_checksum_validation="when_required",
            max_pool_connections=128,
            connect_timeout=5,
            read_timeout=900,
            inject_host_prefix=url is None,
        )
        keys = {
            "aws_access_key_id": self._destinations.access_key,
            "aws_secret_access_key": self._destinations.secret_key,
        }
        client = self._get_session().create_client(
            service, region_name=region, endpoint_url=url, config=config, **(keys if url else {})
        )
        connect = self._destinations.connect
        if connect is not None and self._destinations.is_ours(service):
            connect(client)
        return client


@cache
def service_model(service: str) -> Any:
    """botocore's model of a service, read without making a client. Raises ``LookupError`` for an unknown one."""
    from botocore.exceptions import UnknownServiceError
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    try:
        return ServiceModel(Loader().load_service_model(service, "service-2"), service)
    except UnknownServiceError as error:
        raise LookupError(service) from error


@cache
def signing_name(service: str) -> str:
    """The name under which requests are signed: ``bedrock`` for bedrock-runtime, ``states`` for stepfunctions."""
    metadata = service_model(service).metadata
    return str(metadata.get("signingName") or metadata.get("endpointPrefix") or service)


@cache
def operation_model(service: str, action: str) -> Any:
    """The operation behind a camelCase action (``putItem``). Raises ``LookupError`` where there is none."""
    model = service_model(service)
    name = action[:1].upper() + action[1:]
    if action[:1].isupper() or name not in model.operation_names:
        raise LookupError(f"{service}:{action}")
    return model.operation_model(name)


def method_name(operation: str) -> str:
    """boto3's method for an operation: ``PutItem`` → ``put_item``."""
    from botocore import xform_name

    return str(xform_name(operation))
