"""What exists on a target: reads that change nothing, behind a Protocol so that a plan can be made without a target.

Each read answers ``None`` for what does not exist.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

from botocore.exceptions import ClientError

from deploy.targets import Target

Tags = Mapping[str, str]
Json = Any


@dataclass(frozen=True)
class SeenLogGroup:
    tags: Tags
    days: int | None


@dataclass(frozen=True)
class SeenTopic:
    tags: Tags


@dataclass(frozen=True)
class SeenTable:
    tags: Tags
    key: tuple[str, ...]
    active: bool


@dataclass(frozen=True)
class SeenRole:
    """``policies`` are the inline ones by name."""

    tags: Tags
    trust: Json
    policies: Mapping[str, Json]


@dataclass(frozen=True)
class SeenFunction:
    """``settings`` has the keys of UpdateFunctionConfiguration."""

    tags: Tags
    sha256: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class SeenStateMachine:
    """``settings`` has the keys of UpdateStateMachine; ``live`` are those of the version the alias points at.

    A setting that the server does not report (MiniStack: tracing) is absent, and can't be compared.
    """

    tags: Tags
    settings: Mapping[str, Any]
    live: Mapping[str, Any] | None


@dataclass(frozen=True)
class SeenRestApi:
    """``fingerprint`` is the description of the deployment behind the stage; empty when nothing is deployed."""

    id: str
    tags: Tags
    methods: tuple[str, ...]
    fingerprint: str


class Remote(Protocol):
    def log_group(self, name: str, arn: str) -> SeenLogGroup | None: ...
    def topic(self, arn: str) -> SeenTopic | None: ...
    def table(self, name: str, arn: str) -> SeenTable | None: ...
    def has_row(self, table: str, key: Mapping[str, str]) -> bool: ...
    def role(self, name: str) -> SeenRole | None: ...
    def function(self, name: str, arn: str) -> SeenFunction | None: ...
    def state_machine(self, arn: str, alias_arn: str) -> SeenStateMachine | None: ...
    def rest_api(self, name: str, stage: str, tags: Tags) -> SeenRestApi | None: ...


MISSING = {
    "NoSuchEntity",
    "NotFound",
    "NotFoundException",
    "ResourceNotFound",
    "ResourceNotFoundException",
    "StateMachineDoesNotExist",
}
MACHINE_SETTINGS = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration")
FUNCTION_SETTINGS = ("Handler", "Role", "Runtime", "Timeout", "MemorySize")


class Aws:
    """The reads, over boto3. Errors other than "does not exist" are raised on."""

    def __init__(self, target: Target) -> None:
        self._client = target.client

    def log_group(self, name: str, arn: str) -> SeenLogGroup | None:
        """Its tags and its retention in days."""
        logs = self._client("logs")
        groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        for group in groups:
            if group["logGroupName"] == name:
                tags = logs.list_tags_for_resource(resourceArn=arn)["tags"]
                return SeenLogGroup(tags, group.get("retentionInDays"))
        return None

    def topic(self, arn: str) -> SeenTopic | None:
        sns = self._client("sns")
        if _found(lambda: sns.get_topic_attributes(TopicArn=arn)) is None:
            return None
        return SeenTopic(_tags(sns.list_tags_for_resource(ResourceArn=arn)["Tags"]))

    def table(self, name: str, arn: str) -> SeenTable | None:
        dynamodb = self._client("dynamodb")
        answer = _found(lambda: dynamodb.describe_table(TableName=name))
        if answer is None:
            return None
        keys = sorted(answer["Table"]["KeySchema"], key=lambda part: part["KeyType"])
        tags = dynamodb.list_tags_of_resource(ResourceArn=answer["Table"].get("TableArn", arn))["Tags"]
        names = tuple(part["AttributeName"] for part in keys)
        return SeenTable(_tags(tags), names, answer["Table"]["TableStatus"] == "ACTIVE")

    def has_row(self, table: str, key: Mapping[str, str]) -> bool:
        typed = {name: {"S": value} for name, value in key.items()}
        return "Item" in self._client("dynamodb").get_item(TableName=table, Key=typed, ConsistentRead=True)

    def role(self, name: str) -> SeenRole | None:
        iam = self._client("iam")
        answer = _found(lambda: iam.get_role(RoleName=name))
        if answer is None:
            return None
        inline = {
            policy: _document(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        }
        tags = _tags(iam.list_role_tags(RoleName=name)["Tags"])
        return SeenRole(tags, _document(answer["Role"]["AssumeRolePolicyDocument"]), inline)

    def function(self, name: str, arn: str) -> SeenFunction | None:
        answer = _found(lambda: self._client("lambda").get_function(FunctionName=name))
        if answer is None:
            return None
        told = answer["Configuration"]
        settings = {key: told[key] for key in FUNCTION_SETTINGS}
        settings["Environment"] = {"Variables": told.get("Environment", {}).get("Variables", {})}
        settings["TracingConfig"] = {"Mode": told.get("TracingConfig", {}).get("Mode", "PassThrough")}
        return SeenFunction(answer.get("Tags", {}), told["CodeSha256"], settings)

    def state_machine(self, arn: str, alias_arn: str) -> SeenStateMachine | None:
        states = self._client("stepfunctions")
        answer = _found(lambda: states.describe_state_machine(stateMachineArn=arn))
        if answer is None or answer.get("status") == "DELETING":
            return None
        tags = {tag["key"]: tag["value"] for tag in states.list_tags_for_resource(resourceArn=arn)["tags"]}
        return SeenStateMachine(tags, _machine_settings(answer), self._live(alias_arn))

    def _live(self, alias_arn: str) -> Mapping[str, Any] | None:
        if not alias_arn:  # a machine of an older configuration: it is only to be removed
            return None
        states = self._client("stepfunctions")
        alias = _found(lambda: states.describe_state_machine_alias(stateMachineAliasArn=alias_arn))
        if alias is None:
            return None
        version = alias["routingConfiguration"][0]["stateMachineVersionArn"]
        answer = _found(lambda: states.describe_state_machine(stateMachineArn=version))
        return None if answer is None else _machine_settings(answer)

    def rest_api(self, name: str, stage: str, tags: Tags) -> SeenRestApi | None:
        """The API of that name that bears the tags, else one that does not: API names need not be unique on AWS."""
        named = [api for api in self._rest_apis() if api["name"] == name]
        named.sort(key=lambda api: not tags.items() <= api.get("tags", {}).items())
        if not named:
            return None
        api = named[0]
        gateway = self._client("apigateway")
        resources = gateway.get_resources(restApiId=api["id"])["items"]
        root = next(resource for resource in resources if resource["path"] == "/")
        methods = tuple(sorted(root.get("resourceMethods", {})))
        return SeenRestApi(api["id"], api.get("tags", {}), methods, self._fingerprint(api["id"], stage))

    def _rest_apis(self) -> Iterator[Any]:
        for page in self._client("apigateway").get_paginator("get_rest_apis").paginate():
            yield from page["items"]

    def _fingerprint(self, api: str, stage: str) -> str:
        if not stage:  # an API of an older configuration: it is only to be removed
            return ""
        gateway = self._client("apigateway")
        answer = _found(lambda: gateway.get_stage(restApiId=api, stageName=stage))
        if answer is None or not answer.get("deploymentId"):
            return ""
        deployment = gateway.get_deployment(restApiId=api, deploymentId=answer["deploymentId"])
        return str(deployment.get("description", ""))


def _found(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except ClientError as error:
        if error.response["Error"]["Code"] in MISSING:
            return None
        raise


def _tags(pairs: list[dict[str, str]]) -> dict[str, str]:
    return {pair["Key"]: pair["Value"] for pair in pairs}


def _document(document: Json) -> Json:
    """boto3 decodes IAM's policy documents on AWS; some servers answer text."""
    return json.loads(unquote(document)) if isinstance(document, str) else document


def _machine_settings(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {key: answer[key] for key in MACHINE_SETTINGS if key in answer}
