"""API Gateway's REST APIs: the API with its Body, resources, methods, deployments, stages and their companions."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from sfn_emulator.asl.text.source import DEPTH_LIMIT
from sfn_emulator.asl.text.yaml_source import scan_yaml
from sfn_emulator.cloud.stacks.errors import ResourceError
from sfn_emulator.cloud.stacks.resources.kind import (
    PHYSICAL,
    CallError,
    Create,
    Hands,
    Kind,
    Made,
    Properties,
    Standing,
    Update,
    deleting,
)
from sfn_emulator.cloud.stacks.resources.tagging import tags_of

_API: Final = "apigateway"
_BODIES: Final = ("Body", "BodyS3Location")


def _tagged(properties: Properties) -> dict[str, Any]:
    told = {key: value for key, value in properties.items() if key != "Tags"}
    return {**told, "tags": tags_of(properties)} if properties.get("Tags") else told


def _create_api(hands: Hands, properties: Properties) -> Made:
    body = _body(hands, properties)
    told = {key: value for key, value in _tagged(properties).items() if key not in _BODIES}
    name = properties.get("Name") or (body.get("info") or {}).get("title")
    if not name:
        raise ResourceError("Properties validation failed: Name, or a Body with info.title, is needed.")
    api = hands.send(_API, "CreateRestApi", {**told, "Name": name})["id"]
    hands.noted(api)
    if body:
        _import(hands, api, body, properties)
    return _api(hands, api)


def _body(hands: Hands, properties: Properties) -> dict[str, Any]:
    if "Body" in properties:
        told = properties["Body"]
    elif "BodyS3Location" in properties:
        place = properties["BodyS3Location"]
        told = hands.call("s3", "GetObject", Bucket=place["Bucket"], Key=place["Key"])["Body"].read()
    else:
        return {}
    try:
        return dict(told if isinstance(told, Mapping) else orjson.loads(told))
    except (ValueError, TypeError):
        text = told.decode() if isinstance(told, bytes) else str(told)
        return dict(scan_yaml(text, DEPTH_LIMIT).value)


def _import(hands: Hands, api: str, body: Mapping[str, Any], properties: Properties) -> None:
    mode = str(properties.get("Mode", "overwrite"))
    hands.call(_API, "PutRestApi", restApiId=api, mode=mode, body=orjson.dumps(body))


def _api(hands: Hands, api: str) -> Made:
    rows = hands.call(_API, "GetResources", restApiId=api, limit=500)["items"]
    root = next(row["id"] for row in rows if row["path"] == "/")
    return Made(api, {"RestApiId": api, "RootResourceId": root})


def _update_api(hands: Hands, standing: Standing, properties: Properties) -> Made:
    before = standing.properties
    _patch(
        hands,
        "UpdateRestApi",
        before,
        properties,
        ("Name", "Description", "ApiKeySourceType"),
        restApiId=standing.physical,
    )
    body = _body(hands, properties)
    if body and any(before.get(key) != properties.get(key) for key in _BODIES):
        _import(hands, standing.physical, body, properties)
    return _api(hands, standing.physical)


def _patch(
    hands: Hands, operation: str, before: Properties, after: Properties, names: tuple[str, ...], **ids: Any
) -> None:
    """``names`` that differ, as API Gateway's patch operations."""
    rows = [
        {"op": "replace", "path": f"/{name[:1].lower()}{name[1:]}", "value": str(after.get(name, ""))}
        for name in names
        if before.get(name) != after.get(name)
    ]
    if rows:
        hands.call(_API, operation, patchOperations=rows, **ids)


def _with_id(operation: str, attribute: str) -> Create:
    """A part of an API whose id the service assigns."""

    def create(hands: Hands, properties: Properties) -> Made:
        made = hands.send(_API, operation, _tagged(properties))["id"]
        return Made(made, {attribute: made})

    return create


def _patching(operation: str, id_name: str, *names: str) -> Update:
    def update(hands: Hands, standing: Standing, properties: Properties) -> Made:
        ids = {"restApiId": properties["RestApiId"], id_name: standing.physical}
        _patch(hands, operation, standing.properties, properties, names, **ids)
        return Made(standing.physical, standing.attributes)

    return update


def _put_method(hands: Hands, properties: Properties) -> Made:
    ids = {
        "restApiId": properties["RestApiId"],
        "resourceId": properties["ResourceId"],
        "httpMethod": properties["HttpMethod"],
    }
    told = {key: value for key, value in properties.items() if key not in ("Integration", "MethodResponses")}
    hands.send(_API, "PutMethod", {"AuthorizationType": "NONE", **told}, **ids)
    hands.noted("-".join(ids.values()))
    for response in properties.get("MethodResponses") or ():
        hands.send(_API, "PutMethodResponse", response, **{**ids, "statusCode": str(response["StatusCode"])})
    if properties.get("Integration"):
        _put_integration(hands, properties["Integration"], ids)
    return Made("-".join(ids.values()))


def _put_integration(hands: Hands, integration: Mapping[str, Any], ids: dict[str, str]) -> None:
    told = {
        key: value
        for key, value in integration.items()
        if key not in ("IntegrationResponses", "IntegrationHttpMethod", "Type")
    }
    method = integration.get("IntegrationHttpMethod") or ids["httpMethod"]
    hands.send(_API, "PutIntegration", told, type=integration["Type"], integrationHttpMethod=method, **ids)
    for response in integration.get("IntegrationResponses") or ():
        hands.send(_API, "PutIntegrationResponse", response, **{**ids, "statusCode": str(response["StatusCode"])})


def _update_method(hands: Hands, standing: Standing, properties: Properties) -> Made:
    _delete_method(hands, standing)
    return _put_method(hands, properties)


_delete_method = deleting(_API, "DeleteMethod", restApiId="RestApiId", resourceId="ResourceId", httpMethod="HttpMethod")


def _create_deployment(hands: Hands, properties: Properties) -> Made:
    told = {
        key: value for key, value in properties.items() if key not in ("StageDescription", "DeploymentCanarySettings")
    }
    made = hands.send(_API, "CreateDeployment", told)["id"]
    return Made(made, {"DeploymentId": made})


def _delete_deployment(hands: Hands, standing: Standing) -> None:
    """Deletes a deployment, and first the stage that it named."""
    stage = standing.properties.get("StageName")
    if stage:
        try:
            hands.call(_API, "DeleteStage", restApiId=standing.properties["RestApiId"], stageName=stage)
        except CallError as error:
            if not error.is_gone:
                raise
    hands.call(_API, "DeleteDeployment", restApiId=standing.properties["RestApiId"], deploymentId=standing.physical)


def _create_stage(hands: Hands, properties: Properties) -> Made:
    told = _tagged(properties)
    name = properties.get("StageName", "default")
    hands.send(_API, "CreateStage", told, stageName=name)
    hands.noted(name)
    rows = _settings(properties)
    if rows:
        hands.call(_API, "UpdateStage", restApiId=properties["RestApiId"], stageName=name, patchOperations=rows)
    return Made(name)


def _settings(properties: Properties) -> list[dict[str, str]]:
    """Method settings and access logs, as patches."""
    rows = []
    for setting in properties.get("MethodSettings") or ():
        path = str(setting.get("ResourcePath", "/*")).lstrip("/").replace("/", "~1") or "~1"
        head = f"/{path}/{setting.get('HttpMethod', '*')}"
        for name, target in _METHOD_SETTINGS.items():
            if name in setting:
                value = setting[name]
                text = str(value).lower() if isinstance(value, bool) else str(value)
                rows.append({"op": "replace", "path": f"{head}/{target}", "value": text})
    log = properties.get("AccessLogSetting") or {}
    for name, target in (("DestinationArn", "destinationArn"), ("Format", "format")):
        if name in log:
            rows.append({"op": "replace", "path": f"/accessLogSettings/{target}", "value": str(log[name])})
    return rows


_METHOD_SETTINGS: Final = {
    "LoggingLevel": "logging/loglevel",
    "DataTraceEnabled": "logging/dataTrace",
    "MetricsEnabled": "metrics/enabled",
    "ThrottlingBurstLimit": "throttling/burstLimit",
    "ThrottlingRateLimit": "throttling/rateLimit",
    "CachingEnabled": "caching/enabled",
    "CacheTtlInSeconds": "caching/ttlInSeconds",
    "CacheDataEncrypted": "caching/dataEncrypted",
}


def _update_stage(hands: Hands, standing: Standing, properties: Properties) -> Made:
    ids = {"restApiId": properties["RestApiId"], "stageName": standing.physical}
    names = ("DeploymentId", "Description", "TracingEnabled")
    _patch(hands, "UpdateStage", standing.properties, properties, names, **ids)
    old, new = ((told.get("Variables") or {}) for told in (standing.properties, properties))
    rows = [{"op": "replace", "path": f"/variables/{key}", "value": str(value)} for key, value in new.items()]
    rows += [{"op": "remove", "path": f"/variables/{key}"} for key in old if key not in new]
    rows += _settings(properties)
    if rows:
        hands.call(_API, "UpdateStage", patchOperations=rows, **ids)
    return Made(standing.physical, standing.attributes)


def _account(hands: Hands, properties: Properties) -> Made:
    role = properties.get("CloudWatchRoleArn")
    if role:
        rows = [{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}]
        hands.call(_API, "UpdateAccount", patchOperations=rows)
    return Made(hands.name(128))


def _create_model(hands: Hands, properties: Properties) -> Made:
    name = properties.get("Name") or hands.name(64).replace("-", "")
    hands.send(
        _API, "CreateModel", properties, name=name, contentType=properties.get("ContentType", "application/json")
    )
    return Made(name)


def _create_response(hands: Hands, properties: Properties) -> Made:
    hands.send(_API, "PutGatewayResponse", properties)
    return Made(hands.name(64))


def _usage_plan(properties: Properties) -> dict[str, Any]:
    stages = [{"apiId": row["ApiId"], "stage": row["Stage"]} for row in properties.get("ApiStages") or ()]
    named = {"name": properties["UsagePlanName"]} if "UsagePlanName" in properties else {}
    return {
        **{key: value for key, value in _tagged(properties).items() if key not in ("ApiStages", "UsagePlanName")},
        **named,
        "apiStages": stages,
    }


def _create_plan(hands: Hands, properties: Properties) -> Made:
    told = _usage_plan(properties)
    made = hands.send(_API, "CreateUsagePlan", {"name": hands.name(64), **told})["id"]
    return Made(made, {"Id": made})


def _create_key(hands: Hands, properties: Properties) -> Made:
    told = {key: value for key, value in _tagged(properties).items() if key != "StageKeys"}
    made = hands.send(_API, "CreateApiKey", {"Name": hands.name(64), **told})["id"]
    return Made(made, {"APIKeyId": made})


def _create_plan_key(hands: Hands, properties: Properties) -> Made:
    hands.send(_API, "CreateUsagePlanKey", properties)
    return Made(f"{properties['KeyId']}:{properties['UsagePlanId']}")


def _again(create: Create) -> Update:
    return lambda hands, standing, properties: Made(
        standing.physical, create(hands, properties).attributes or standing.attributes
    )


def _part(kind: str, create: Create, update: Update | None, delete: Callable[[Hands, Standing], None]) -> Kind:
    return Kind(f"AWS::ApiGateway::{kind}", create, update, delete)


KINDS: Final = (
    _part("RestApi", _create_api, _update_api, deleting(_API, "DeleteRestApi", restApiId=PHYSICAL)),
    _part(
        "Resource",
        _with_id("CreateResource", "ResourceId"),
        None,
        deleting(_API, "DeleteResource", restApiId="RestApiId", resourceId=PHYSICAL),
    ),
    _part("Method", _put_method, _update_method, _delete_method),
    _part(
        "Deployment",
        _create_deployment,
        lambda hands, standing, properties: Made(standing.physical, standing.attributes),
        _delete_deployment,
    ),
    _part(
        "Stage", _create_stage, _update_stage, deleting(_API, "DeleteStage", restApiId="RestApiId", stageName=PHYSICAL)
    ),
    _part("Account", _account, _again(_account), lambda hands, standing: None),
    _part(
        "Model",
        _create_model,
        None,
        deleting(_API, "DeleteModel", restApiId="RestApiId", modelName=PHYSICAL),
    ),
    _part(
        "RequestValidator",
        _with_id("CreateRequestValidator", "RequestValidatorId"),
        _patching("UpdateRequestValidator", "requestValidatorId", "ValidateRequestBody", "ValidateRequestParameters"),
        deleting(_API, "DeleteRequestValidator", restApiId="RestApiId", requestValidatorId=PHYSICAL),
    ),
    _part(
        "Authorizer",
        _with_id("CreateAuthorizer", "AuthorizerId"),
        _patching(
            "UpdateAuthorizer", "authorizerId", "AuthorizerUri", "AuthorizerCredentials", "IdentitySource", "Name"
        ),
        deleting(_API, "DeleteAuthorizer", restApiId="RestApiId", authorizerId=PHYSICAL),
    ),
    _part(
        "GatewayResponse",
        _create_response,
        _again(_create_response),
        deleting(_API, "DeleteGatewayResponse", restApiId="RestApiId", responseType="ResponseType"),
    ),
    _part("ApiKey", _create_key, None, deleting(_API, "DeleteApiKey", apiKey=PHYSICAL)),
    _part("UsagePlan", _create_plan, None, deleting(_API, "DeleteUsagePlan", usagePlanId=PHYSICAL)),
    _part(
        "UsagePlanKey",
        _create_plan_key,
        None,
        deleting(_API, "DeleteUsagePlanKey", usagePlanId="UsagePlanId", keyId="KeyId"),
    ),
)
