"""API destinations: an event as an HTTP request, with what its connection adds (``eb-api-destinations``)."""

import json
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeAlias
from urllib.parse import urlencode

from sfn_emulator.cloud.delivery.sending import Client

_SECONDS: Final = 5.0
"""An API destination has five seconds to answer."""


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *told: Any) -> None:
        """The redirection itself is the answer."""


_CALLER: Final = urllib.request.build_opener(_NoRedirection)


class Additions(Protocol):
    """The additions of a connection to a request: its authorization is among the headers (OAuth's token is fetched)."""

    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def query(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> Mapping[str, str]: ...


Connect: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any]], Additions]
"""(the connection as it is described, its secret)."""


def call(client: Client, connect: Connect, arn: str, text: str, parameters: Mapping[str, Any]) -> None:
    """Sends the request. Raises ``OSError``; an answer that is not a success raises ``urllib.error.HTTPError``."""
    region, name = arn.split(":")[3], arn.split("/")[1]
    events = client("events", region)
    told = events.describe_api_destination(Name=name)
    described = events.describe_connection(Name=told["ConnectionArn"].split("/")[1])
    kept = client("secretsmanager", region).get_secret_value(SecretId=described["SecretArn"])
    added = connect(described, json.loads(kept["SecretString"]))
    headers = {"Content-Type": "application/json", **(parameters.get("HeaderParameters") or {}), **added.headers}
    url = _address(told["InvocationEndpoint"], parameters, added)
    request = urllib.request.Request(url, _with(text, added.body).encode(), headers, method=told["HttpMethod"])
    if request.type not in ("http", "https"):
        raise ValueError(f"API destinations are called by http and https, not by {request.type}.")
    with _CALLER.open(request, timeout=_SECONDS):
        return


def _address(url: str, parameters: Mapping[str, Any], added: Additions) -> str:
    """The address with its parameters; those of the connection take precedence over the target's."""
    head, *pieces = url.split("*")
    values = list(parameters.get("PathParameterValues") or ())[: len(pieces)]
    url = head + "".join(map(str.__add__, [*values, *"*" * (len(pieces) - len(values))], pieces))
    query = {**(parameters.get("QueryStringParameters") or {}), **added.query}
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}" if query else url


def _with(text: str, body: Mapping[str, str]) -> str:
    """Body parameters go into a body that is a JSON object."""
    if not body:
        return text
    told = json.loads(text)
    return json.dumps({**told, **body}) if isinstance(told, dict) else text
