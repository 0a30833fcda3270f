"""The targets of a deploy: embedded, localstack, aws. They differ in session and endpoint and in nothing else.

* ``embedded``: the server on this machine; made-up credentials, so that no real ones ever reach it.
* ``localstack``: through localstack-client, which honours LOCALSTACK_HOST and AWS_ENDPOINT_URL.
* ``aws``: the ordinary credential chain (AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL … as for any AWS tool).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ProfileNotFound

from deploy.config import Config
from deploy.errors import DeployError

NAMES = ("embedded", "localstack", "aws")
Client = Any
ClientFactory = Callable[[str], Client]


@dataclass(frozen=True)
class Target:
    """``endpoint`` is ``None`` on AWS; ``client`` makes (and keeps) one client per service, e.g. ``client("iam")``."""

    name: str
    account: str
    region: str
    partition: str
    endpoint: str | None
    client: ClientFactory

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def stage_url(self, api_id: str, stage: str) -> str:
        """Where the REST API's root answers."""
        if self.endpoint:
            return f"{self.endpoint}/restapis/{api_id}/{stage}/_user_request_/"
        return f"https://{api_id}.execute-api.{self.region}.amazonaws.com/{stage}/"


def connect(name: str, config: Config, endpoint: str | None = None) -> Target:
    """The target, once its STS has answered who we are. Raises ``DeployError`` when it does not answer."""
    make, region, at = _SESSIONS[name](config.targets[name], endpoint)
    client = _kept(make)
    try:
        account = client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise DeployError(_unreachable(name, at, error)) from error
    return Target(name, account, region, _partition(region), at, client)


def _embedded(settings: dict[str, str], endpoint: str | None) -> tuple[ClientFactory, str, str | None]:
    session = boto3.Session("test", "test", region_name=settings["region"])
    at = (endpoint or settings["endpoint"]).rstrip("/")

    def make(service: str) -> Client:
        return session.client(service, endpoint_url=at, config=_config(service))  # type: ignore[call-overload]

    return make, settings["region"], at


def _localstack(settings: dict[str, str], endpoint: str | None) -> tuple[ClientFactory, str, str | None]:
    try:
        from localstack_client.session import Session as LocalStackSession
    except ModuleNotFoundError as error:
        raise DeployError(
            "localstack: run 'pip install localstack-client'; without it the ports are not known"
        ) from error
    given = endpoint or settings.get("endpoint")
    session = LocalStackSession(
        "test", "test", region_name=settings["region"], localstack_host=urlsplit(given).netloc if given else None
    )
    at = session.client("sts").meta.endpoint_url.rstrip("/")
    return lambda service: session.client(service, config=_config(service)), settings["region"], at


def _aws(settings: dict[str, str], endpoint: str | None) -> tuple[ClientFactory, str, str | None]:
    try:
        session = boto3.Session(region_name=settings.get("region"))
        region = session.region_name  # botocore may look the profile up only now
    except ProfileNotFound as error:
        raise DeployError(f"aws: {error}; set AWS_PROFILE to one of 'aws configure list-profiles'") from error
    if region is None:
        raise DeployError("aws: no region; set AWS_DEFAULT_REGION or targets.aws.region in deploy/config.yaml")

    def make(service: str) -> Client:
        return session.client(service, endpoint_url=endpoint, config=_config())  # type: ignore[call-overload]

    return make, region, endpoint or _endpoint_in_environment()


def _endpoint_in_environment() -> str | None:
    """boto3 reads this variable itself; we need it for the REST API's address."""
    return os.environ.get("AWS_ENDPOINT_URL", "").rstrip("/") or None


_SESSIONS = {"embedded": _embedded, "localstack": _localstack, "aws": _aws}


def _config(service: str = "") -> ClientConfig:
    """STS is asked first, to find out whether a server runs. On this machine it answers at once or not at all."""
    attempts = 1 if service == "sts" else 5
    return ClientConfig(retries={"mode": "standard", "max_attempts": attempts}, connect_timeout=5, read_timeout=60)


def _kept(make: ClientFactory) -> ClientFactory:
    clients: dict[str, Client] = {}

    def client(service: str) -> Client:
        if service not in clients:
            clients[service] = make(service)
        return clients[service]

    return client


def _partition(region: str) -> str:
    return boto3.Session().get_partition_for_region(region)


_START = {
    "embedded": "start it with 'python cli.py up'",
    "localstack": "start it with 'docker compose up -d', or set LOCALSTACK_HOST",
    "aws": "is the network up, and AWS_ENDPOINT_URL right?",
}


def _unreachable(name: str, at: str | None, error: Exception) -> str:
    if isinstance(error, NoCredentialsError):
        return f"{name}: no credentials found; run 'aws configure' or set AWS_PROFILE"
    if isinstance(error, ClientError):
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        if code == "ServiceUnavailable":
            return f"{name}: {at or 'AWS'} can't answer at present: {message}"
        return f"{name}: credentials refused ({code}: {message}); check AWS_PROFILE"
    return f"{name}: nothing answers at {at or 'AWS'} ({type(error).__name__}); {_START[name]}"
