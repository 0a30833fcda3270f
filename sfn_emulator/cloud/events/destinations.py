"""API destinations: an event as an HTTP request, with what its connection adds (``eb-api-destinations``)."""

import base64
import json
import urllib.request
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from sfn_emulator.cloud.delivery.sending import Client, UnsendableError

_SECONDS: Final = 5.0
"""An API destination has five seconds to answer."""


def call(client: Client, arn: str, text: str, parameters: Mapping[str, Any]) -> None:
    """Raises ``UnsendableError`` and ``OSError``; an answer that is no success is a ``urllib.error.HTTPError``."""
    region, name = arn.split(":")[3], arn.split("/")[1]
    events = client("events", region)
    told = events.describe_api_destination(Name=name)
    connection = events.describe_connection(Name=told["ConnectionArn"].split("/")[1])
    kept = client("secretsmanager", region).get_secret_value(SecretId=connection["SecretArn"])
    proof = _proof(connection, json.loads(kept["SecretString"]))
    url = told["InvocationEndpoint"]
    for value in parameters.get("PathParameterValues") or ():
        url = url.replace("*", value, 1)
    if parameters.get("QueryStringParameters"):
        url += ("&" if "?" in url else "?") + urlencode(parameters["QueryStringParameters"])
    headers = {"Content-Type": "application/json", **(parameters.get("HeaderParameters") or {}), **proof}
    request = urllib.request.Request(url, text.encode(), headers, method=told["HttpMethod"])
    with urllib.request.urlopen(request, timeout=_SECONDS):
        return


def _proof(connection: Mapping[str, Any], secret: Mapping[str, Any]) -> dict[str, str]:
    """The header a connection authorises by; its values are in the connection's secret."""
    told = connection.get("AuthParameters") or {}
    if connection["AuthorizationType"] == "API_KEY":
        return {told["ApiKeyAuthParameters"]["ApiKeyName"]: secret.get("api_key_value", "")}
    if connection["AuthorizationType"] == "BASIC":
        pair = f"{told['BasicAuthParameters']['Username']}:{secret.get('password', '')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    raise UnsendableError(f"Connections that authorise by {connection['AuthorizationType']} are not used here.")
