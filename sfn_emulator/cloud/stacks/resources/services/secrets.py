"""Secrets and keys: SSM parameters, Secrets Manager, KMS."""

import secrets
import string
from collections.abc import Mapping
from typing import Any, Final

import orjson

from sfn_emulator.cloud.stacks.resources.fitting import text
from sfn_emulator.cloud.stacks.resources.kind import PHYSICAL, Hands, Kind, Made, Properties, Standing, deleting
from sfn_emulator.cloud.stacks.resources.tagging import listed, tags_of

_SSM: Final = "ssm"
_SECRETS: Final = "secretsmanager"
_KMS: Final = "kms"
_PUNCTUATION: Final = string.punctuation


def _create_parameter(hands: Hands, properties: Properties) -> Made:
    name = properties.get("Name") or hands.name(512)
    hands.claim(name, lambda: hands.call(_SSM, "GetParameter", Name=name))
    told = {key: value for key, value in properties.items() if key != "Tags"}
    tags = {"Tags": listed(tags_of(properties))} if properties.get("Tags") else {}
    hands.send(_SSM, "PutParameter", told, Name=name, **tags)
    return _parameter(hands, name, properties)


def _parameter(hands: Hands, name: str, properties: Properties) -> Made:
    arn = hands.arn("ssm", f"parameter/{name.lstrip('/')}")
    return Made(name, {"Arn": arn, "Type": properties["Type"], "Value": properties["Value"]})


def _update_parameter(hands: Hands, standing: Standing, properties: Properties) -> Made:
    told = {key: value for key, value in properties.items() if key != "Tags"}
    hands.send(_SSM, "PutParameter", told, Name=standing.physical, Overwrite=True)
    return _parameter(hands, standing.physical, properties)


def _create_secret(hands: Hands, properties: Properties) -> Made:
    name = properties.get("Name") or hands.name(512)
    hands.claim(name, lambda: hands.call(_SECRETS, "DescribeSecret", SecretId=name))
    told = {key: value for key, value in properties.items() if key not in ("GenerateSecretString", "ReplicaRegions")}
    value = _generated(properties)
    if value is not None:
        told["SecretString"] = value
    arn = hands.send(_SECRETS, "CreateSecret", told, Name=name)["ARN"]
    return Made(arn, {"Id": arn})


def _generated(properties: Properties) -> str | None:
    """A password as GenerateSecretString asks for it, alone or within a template."""
    told = properties.get("GenerateSecretString")
    if told is None:
        return None if "SecretString" in properties else ""
    password = _password(told)
    if "SecretStringTemplate" not in told:
        return password
    return orjson.dumps(
        {**orjson.loads(told["SecretStringTemplate"]), str(told["GenerateStringKey"]): password}
    ).decode()


def _password(told: Mapping[str, Any]) -> str:
    kinds = [
        letters
        for letters, without in (
            (string.ascii_lowercase, "ExcludeLowercase"),
            (string.ascii_uppercase, "ExcludeUppercase"),
            (string.digits, "ExcludeNumbers"),
            (_PUNCTUATION, "ExcludePunctuation"),
        )
        if not told.get(without)
    ]
    excluded = set(told.get("ExcludeCharacters", ""))
    kinds = ["".join(letter for letter in letters if letter not in excluded) for letters in kinds]
    kinds = [letters for letters in kinds if letters]
    size = int(told.get("PasswordLength") or 32)
    one_each = [secrets.choice(letters) for letters in kinds] if told.get("RequireEachIncludedType", True) else []
    rest = [secrets.choice("".join(kinds)) for _ in range(size - len(one_each))]
    return "".join([*rest, *one_each])


def _update_secret(hands: Hands, standing: Standing, properties: Properties) -> Made:
    told = {key: properties[key] for key in ("Description", "KmsKeyId", "SecretString") if key in properties}
    if standing.properties.get("GenerateSecretString") != properties.get("GenerateSecretString"):
        told["SecretString"] = _generated(properties) or ""
    hands.send(_SECRETS, "UpdateSecret", told, SecretId=standing.physical)
    return Made(standing.physical, standing.attributes)


def _delete_secret(hands: Hands, standing: Standing) -> None:
    hands.call(_SECRETS, "DeleteSecret", SecretId=standing.physical, ForceDeleteWithoutRecovery=True)


def _put_resource_policy(hands: Hands, properties: Properties) -> Made:
    hands.call(
        _SECRETS,
        "PutResourcePolicy",
        SecretId=properties["SecretId"],
        ResourcePolicy=text(properties["ResourcePolicy"]),
    )
    return Made(properties["SecretId"], {"Id": properties["SecretId"]})


def _create_key(hands: Hands, properties: Properties) -> Made:
    told = {key: value for key, value in properties.items() if key not in ("KeyPolicy", "Tags")}
    tags = [{"TagKey": key, "TagValue": value} for key, value in tags_of(properties).items()]
    policy = {"Policy": text(properties["KeyPolicy"])} if properties.get("KeyPolicy") else {}
    made = hands.send(_KMS, "CreateKey", told, Tags=tags, **policy)["KeyMetadata"]
    hands.noted(made["KeyId"])
    _rotation(hands, made["KeyId"], {}, properties)
    if properties.get("Enabled") is False:
        hands.call(_KMS, "DisableKey", KeyId=made["KeyId"])
    return Made(made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]})


def _rotation(hands: Hands, key: str, before: Properties, after: Properties) -> None:
    old, new = (bool(told.get("EnableKeyRotation")) for told in (before, after))
    if old != new:
        hands.call(_KMS, "EnableKeyRotation" if new else "DisableKeyRotation", KeyId=key)


def _update_key(hands: Hands, standing: Standing, properties: Properties) -> Made:
    key, before = standing.physical, standing.properties
    if before.get("KeyPolicy") != properties.get("KeyPolicy") and properties.get("KeyPolicy"):
        hands.call(_KMS, "PutKeyPolicy", KeyId=key, PolicyName="default", Policy=text(properties["KeyPolicy"]))
    if before.get("Description") != properties.get("Description"):
        hands.call(_KMS, "UpdateKeyDescription", KeyId=key, Description=properties.get("Description", ""))
    if before.get("Enabled", True) != properties.get("Enabled", True):
        hands.call(_KMS, "EnableKey" if properties.get("Enabled", True) else "DisableKey", KeyId=key)
    _rotation(hands, key, before, properties)
    return Made(key, standing.attributes)


def _delete_key(hands: Hands, standing: Standing) -> None:
    days = int(standing.properties.get("PendingWindowInDays") or 30)
    hands.call(_KMS, "ScheduleKeyDeletion", KeyId=standing.physical, PendingWindowInDays=days)


def _create_alias(hands: Hands, properties: Properties) -> Made:
    hands.send(_KMS, "CreateAlias", properties)
    return Made(properties["AliasName"], {"AliasName": properties["AliasName"]})


def _update_alias(hands: Hands, standing: Standing, properties: Properties) -> Made:
    hands.send(_KMS, "UpdateAlias", properties)
    return Made(standing.physical, standing.attributes)


KINDS: Final = (
    Kind(
        "AWS::SSM::Parameter",
        _create_parameter,
        _update_parameter,
        deleting(_SSM, "DeleteParameter", Name=PHYSICAL),
        frozenset({"Type", "Value"}),
        named="Name",
    ),
    Kind("AWS::SecretsManager::Secret", _create_secret, _update_secret, _delete_secret, named="Name"),
    Kind(
        "AWS::SecretsManager::ResourcePolicy",
        _put_resource_policy,
        lambda hands, standing, properties: _put_resource_policy(hands, properties),
        deleting(_SECRETS, "DeleteResourcePolicy", SecretId="SecretId"),
    ),
    Kind("AWS::KMS::Key", _create_key, _update_key, _delete_key),
    Kind(
        "AWS::KMS::Alias",
        _create_alias,
        _update_alias,
        deleting(_KMS, "DeleteAlias", AliasName=PHYSICAL),
        named="AliasName",
    ),
)
