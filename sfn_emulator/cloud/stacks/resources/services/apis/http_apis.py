"""API Gateway's HTTP and WebSocket APIs."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from sfn_emulator.cloud.stacks.resources.kind import (
    PHYSICAL,
    Create,
    Hands,
    Kind,
    Made,
    Properties,
    Standing,
    deleting,
    updating,
)

_API: Final = "apigatewayv2"
_QUICK: Final = ("Target", "RouteKey", "CredentialsArn")


def _create_api(hands: Hands, properties: Properties) -> Made:
    body = properties.get("Body")
    if body:
        told = hands.call(_API, "ImportApi", Body=orjson.dumps(body).decode() if isinstance(body, Mapping) else body)
        hands.noted(told["ApiId"])
        rest = {key: value for key, value in properties.items() if key not in ("Body", "ProtocolType", "Tags")}
        if rest:
            hands.send(_API, "UpdateApi", rest, ApiId=told["ApiId"])
    else:
        told = hands.send(_API, "CreateApi", properties)
    api = told["ApiId"]
    arn = hands.arn("execute-api", f"{api}/*")
    endpoint = told.get("ApiEndpoint") or f"https://{api}.execute-api.{hands.region}.amazonaws.com"
    return Made(api, {"ApiId": api, "ApiEndpoint": endpoint, "ExecuteApiArn": arn})


def _with_id(operation: str, attribute: str) -> Create:
    def create(hands: Hands, properties: Properties) -> Made:
        made = hands.send(_API, operation, properties)[attribute]
        return Made(made, {attribute: made})

    return create


def _create_stage(hands: Hands, properties: Properties) -> Made:
    hands.send(_API, "CreateStage", properties)
    return Made(properties["StageName"])


def _update_stage(hands: Hands, standing: Standing, properties: Properties) -> Made:
    """Makes the stage again, because moto can't change one. A stage holds nothing that would be lost."""
    _delete_stage(hands, standing)
    return _create_stage(hands, properties)


_delete_stage: Final = deleting(_API, "DeleteStage", ApiId="ApiId", StageName=PHYSICAL)


def _part(kind: str, key: str, *, parents: tuple[str, ...] = ("ApiId",)) -> Kind:
    ids: dict[str, Any] = {name: name for name in parents}
    return Kind(
        f"AWS::ApiGatewayV2::{kind}",
        _with_id(f"Create{kind}", key),
        updating(_API, f"Update{kind}", **{key: PHYSICAL}, **ids),
        deleting(_API, f"Delete{kind}", **{key: PHYSICAL}, **ids),
    )


def _update_api(hands: Hands, standing: Standing, properties: Properties) -> Made:
    body = properties.get("Body")
    if body and body != standing.properties.get("Body"):
        text = orjson.dumps(body).decode() if isinstance(body, Mapping) else body
        hands.call(_API, "ReimportApi", ApiId=standing.physical, Body=text)
    told = {key: value for key, value in properties.items() if key not in (*_QUICK, "Body", "ProtocolType", "Tags")}
    if told:
        hands.send(_API, "UpdateApi", told, ApiId=standing.physical)
    return Made(standing.physical, standing.attributes)


KINDS: Final = (
    Kind("AWS::ApiGatewayV2::Api", _create_api, _update_api, deleting(_API, "DeleteApi", ApiId=PHYSICAL)),
    Kind(
        "AWS::ApiGatewayV2::Stage",
        _create_stage,
        _update_stage,
        _delete_stage,
    ),
    _part("Route", "RouteId"),
    _part("Integration", "IntegrationId"),
    _part("Authorizer", "AuthorizerId"),
    _part("Model", "ModelId"),
    _part("IntegrationResponse", "IntegrationResponseId", parents=("ApiId", "IntegrationId")),
    _part("RouteResponse", "RouteResponseId", parents=("ApiId", "RouteId")),
)
