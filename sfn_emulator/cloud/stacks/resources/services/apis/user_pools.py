"""Cognito: user pools, and who and what belongs to them."""

from typing import Any, Final

from sfn_emulator.cloud.stacks.resources.kind import (
    PHYSICAL,
    Hands,
    Kind,
    Made,
    Properties,
    Standing,
    deleting,
    updating,
)

_COGNITO: Final = "cognito-idp"


def _create_pool(hands: Hands, properties: Properties) -> Made:
    name = properties.get("UserPoolName") or hands.name(128)
    made = hands.send(_COGNITO, "CreateUserPool", properties, PoolName=name)["UserPool"]
    provider = f"cognito-idp.{hands.region}.amazonaws.com/{made['Id']}"
    told = {
        "Arn": made["Arn"],
        "ProviderName": provider,
        "ProviderURL": f"https://{provider}",
        "UserPoolId": made["Id"],
    }
    return Made(made["Id"], told)


def _create_client(hands: Hands, properties: Properties) -> Made:
    name = properties.get("ClientName") or hands.name(128)
    return _client(hands.send(_COGNITO, "CreateUserPoolClient", properties, ClientName=name))


def _client(told: dict[str, Any]) -> Made:
    made = told["UserPoolClient"]
    secret = {"ClientSecret": made["ClientSecret"]} if "ClientSecret" in made else {}
    return Made(made["ClientId"], {"ClientId": made["ClientId"], "Name": made.get("ClientName", ""), **secret})


def _update_client(hands: Hands, standing: Standing, properties: Properties) -> Made:
    return _client(hands.send(_COGNITO, "UpdateUserPoolClient", properties, ClientId=standing.physical))


def _create_domain(hands: Hands, properties: Properties) -> Made:
    told = hands.send(_COGNITO, "CreateUserPoolDomain", properties)
    return Made(properties["Domain"], {"CloudFrontDistribution": told.get("CloudFrontDomain", "")})


def _create_group(hands: Hands, properties: Properties) -> Made:
    name = properties.get("GroupName") or hands.name(128)
    hands.send(_COGNITO, "CreateGroup", properties, GroupName=name)
    return Made(name)


def _create_user(hands: Hands, properties: Properties) -> Made:
    name = properties.get("Username") or hands.name(128)
    hands.send(_COGNITO, "AdminCreateUser", properties, Username=name)
    return Made(name)


def _create_server(hands: Hands, properties: Properties) -> Made:
    hands.send(_COGNITO, "CreateResourceServer", {"Scopes": [], **properties})
    return Made(properties["Identifier"])


def _join(hands: Hands, properties: Properties) -> Made:
    hands.send(_COGNITO, "AdminAddUserToGroup", properties)
    return Made(f"{properties['UserPoolId']}|{properties['GroupName']}|{properties['Username']}")


_POOL: Final = {"UserPoolId": "UserPoolId"}
KINDS: Final = (
    Kind(
        "AWS::Cognito::UserPool",
        _create_pool,
        updating(_COGNITO, "UpdateUserPool", UserPoolId=PHYSICAL),
        deleting(_COGNITO, "DeleteUserPool", UserPoolId=PHYSICAL),
        frozenset(("Arn", "ProviderName", "ProviderURL", "UserPoolId")),
    ),
    Kind(
        "AWS::Cognito::UserPoolClient",
        _create_client,
        _update_client,
        deleting(_COGNITO, "DeleteUserPoolClient", ClientId=PHYSICAL, **_POOL),
        frozenset(("ClientId", "ClientSecret", "Name")),
    ),
    Kind(
        "AWS::Cognito::UserPoolDomain",
        _create_domain,
        updating(_COGNITO, "UpdateUserPoolDomain"),
        deleting(_COGNITO, "DeleteUserPoolDomain", Domain=PHYSICAL, **_POOL),
        frozenset(("CloudFrontDistribution",)),
        named="Domain",
    ),
    Kind(
        "AWS::Cognito::UserPoolGroup",
        _create_group,
        updating(_COGNITO, "UpdateGroup", GroupName=PHYSICAL),
        deleting(_COGNITO, "DeleteGroup", GroupName=PHYSICAL, **_POOL),
        named="GroupName",
    ),
    Kind(
        "AWS::Cognito::UserPoolUser",
        _create_user,
        None,
        deleting(_COGNITO, "AdminDeleteUser", Username=PHYSICAL, **_POOL),
        named="Username",
    ),
    Kind(
        "AWS::Cognito::UserPoolUserToGroupAttachment",
        _join,
        None,
        deleting(_COGNITO, "AdminRemoveUserFromGroup", Username="Username", GroupName="GroupName", **_POOL),
    ),
    Kind(
        "AWS::Cognito::UserPoolResourceServer",
        _create_server,
        updating(_COGNITO, "UpdateResourceServer", Identifier=PHYSICAL, **_POOL),
        deleting(_COGNITO, "DeleteResourceServer", Identifier=PHYSICAL, **_POOL),
    ),
)
