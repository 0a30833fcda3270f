"""EventBridge connections of HTTP Tasks: they add authorization, and parameters that win over the Task's own."""

import base64
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from sfn_emulator.errors import StateError
from sfn_emulator.tasks.integrations.exchange import send
from sfn_emulator.values import Value


class Connection:
    """The additions of an EventBridge connection to a request. Secrets come from its secret, the rest from its
    description.
    """

    def __init__(self, described: Mapping[str, Any], secret: Mapping[str, Any]) -> None:
        self._kind = described.get("AuthorizationType", "")
        self._parameters = described.get("AuthParameters") or {}
        self._secret = secret

    @property
    def headers(self) -> dict[str, str]:
        return {**self._listed("HeaderParameters"), **self._authorization()}

    @property
    def query(self) -> dict[str, str]:
        return self._listed("QueryStringParameters")

    @property
    def body(self) -> dict[str, str]:
        return self._listed("BodyParameters")

    def _listed(self, kind: str) -> dict[str, str]:
        invocation = self._parameters.get("InvocationHttpParameters") or {}
        secret = _lowered(self._secret).get("invocation_http_parameters") or {}
        kept = {p.get("Key") or p.get("key"): p.get("Value") or p.get("value") for p in _entries(secret, kind)}
        return {p["Key"]: str(p.get("Value") or kept.get(p["Key"], "")) for p in invocation.get(kind) or []}

    def _authorization(self) -> dict[str, str]:
        secret = _lowered(self._secret)
        basic, api_key = self._parameters.get("BasicAuthParameters"), self._parameters.get("ApiKeyAuthParameters")
        if self._kind == "BASIC" and basic:
            pair = f"{basic.get('Username', '')}:{basic.get('Password') or secret.get('password', '')}"
            return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        if self._kind == "API_KEY" and api_key:
            value = api_key.get("ApiKeyValue") or secret.get("api_key_value", "")
            return {api_key.get("ApiKeyName", ""): str(value)}
        if self._kind == "OAUTH_CLIENT_CREDENTIALS":
            return self._token()
        return {}

    def _token(self) -> dict[str, str]:
        """An access token by OAuth 2.0's client credentials: the token endpoint is asked with the connection's
        parameters.
        """
        oauth = self._parameters.get("OAuthParameters") or {}
        client = oauth.get("ClientParameters") or {}
        secret = _lowered(self._secret)
        secret = {**secret, **(secret.get("client_parameters") or {})}  # moto keeps them as given
        form = {
            "grant_type": "client_credentials",
            "client_id": client.get("ClientID", ""),
            "client_secret": client.get("ClientSecret") or secret.get("client_secret", ""),
        }
        extra = (oauth.get("OAuthHttpParameters") or {}).get("BodyParameters") or []
        form |= {entry["Key"]: str(entry.get("Value", "")) for entry in extra}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = send(
            oauth.get("HttpMethod", "POST"), oauth.get("AuthorizationEndpoint", ""), headers, urlencode(form).encode()
        )
        token = answer.body.get("access_token") if isinstance(answer.body, dict) else None
        if answer.status >= 300 or not token:
            raise StateError(
                "Events.ConnectionResource.InvalidConnectionState", f"The authorization endpoint said {answer.status}."
            )
        return {"Authorization": f"Bearer {token}"}


NO_CONNECTION: Final = Connection({}, {})
"""A connection that adds nothing: the request stays as the state machine wrote it."""

_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _lowered(value: Value) -> Any:
    """Names of a secret in snake_case, whatever case they were stored in."""
    if isinstance(value, dict):
        return {_CAMEL.sub("_", name).lower(): _lowered(item) for name, item in value.items()}
    return [_lowered(item) for item in value] if isinstance(value, list) else value


def _entries(secret: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    found = secret.get(_CAMEL.sub("_", kind).lower()) or []
    return [entry for entry in found if isinstance(entry, dict)]
