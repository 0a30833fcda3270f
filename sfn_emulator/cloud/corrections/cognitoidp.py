"""Cognito can change and remove resource servers, which moto only makes. And an ID token has the user's standard
attributes (Cognito Developer Guide, "Understanding the identity (ID) token"), unless the client names those it reads.
"""

import importlib
from collections.abc import Callable
from typing import Any

from sfn_emulator.cloud.corrections.replacing import replace


def correct() -> None:
    responses: Any = importlib.import_module("moto.cognitoidp.responses")
    for operation in (delete_resource_server, update_resource_server):
        setattr(responses.CognitoIdpResponse, operation.__name__, operation)
    replace(importlib.import_module("moto.cognitoidp.models").CognitoIdpUserPool, _CLAIMS, _with_attributes)


_CLAIMS = "get_user_extra_data_by_client_id"


def _with_attributes(inner: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def claims(self: Any, client_id: str, username: str) -> dict[str, Any]:
        told = inner(self, client_id, username)
        client = self.clients.get(client_id)
        if client is None or client.extended_config.get("ReadAttributes"):
            return told
        given = {row["Name"]: row["Value"] for row in self._get_user(username).attributes}
        shown = {name: value == "true" if name.endswith("_verified") else value for name, value in given.items()}
        return {**{name: value for name, value in shown.items() if not name.startswith("custom:")}, **told}

    return claims


def delete_resource_server(self: Any) -> Any:
    """DeleteResourceServer."""
    server = _server(self)
    del self.backend.describe_user_pool(server.user_pool_id).resource_servers[server.identifier]
    return _answer({})


def update_resource_server(self: Any) -> Any:
    """UpdateResourceServer."""
    server = _server(self)
    server.name, server.scopes = self._get_param("Name"), self._get_param("Scopes")
    return _answer({"ResourceServer": server.to_json()})


def _server(self: Any) -> Any:
    return self.backend.describe_resource_server(self._get_param("UserPoolId"), self._get_param("Identifier"))


def _answer(told: dict[str, Any]) -> Any:
    core: Any = importlib.import_module("moto.core.responses")
    return core.ActionResult(told)
