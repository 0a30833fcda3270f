"""The values a template may ask for: its parameters, its resources, other stacks' exports, secrets."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from sfn_emulator.cloud.stacks.books import Books
from sfn_emulator.cloud.stacks.errors import ResourceError, StackError
from sfn_emulator.cloud.stacks.records import Resource, Stack, Version
from sfn_emulator.cloud.stacks.resources.kind import World
from sfn_emulator.cloud.stacks.template import parameters
from sfn_emulator.cloud.stacks.template.model import Template, read
from sfn_emulator.cloud.stacks.template.scope import Scope, pseudo_parameters


def template_of(version: Version) -> Template:
    return read(version.source)


def scope_of(
    stack: Stack, version: Version, template: Template, books: Books, world: World, resources: Mapping[str, Resource]
) -> Scope:
    """The scope of a stack. ``resources`` is read when a function asks, so it may grow meanwhile."""
    pseudo = pseudo_parameters(stack.id, stack.name, stack.region, world.account, list(version.topics))
    lookup = ssm_lookup(world, stack.region)
    values = parameters.values(template.parameters, version.texts, lookup)
    return Scope(
        {**pseudo, **values},
        template.mappings,
        template.conditions,
        frozenset(template.resources),
        lambda logical: reference(_found(resources, logical)),
        lambda logical, name: attribute(_found(resources, logical), name),
        lambda name: imported(books, stack.region, name),
        dynamic(world, stack.region),
    )


def _found(resources: Mapping[str, Resource], logical: str) -> Resource:
    if logical not in resources:
        raise StackError(
            f"Template format error: Unresolved resource dependencies [{logical}] in the Resources block of the "
            "template"
        )
    return resources[logical]


def reference(resource: Resource) -> str:
    return resource.physical if resource.reference is None else resource.reference


def attribute(resource: Resource, name: str) -> Any:
    """What Fn::GetAtt gives. Raises ``ResourceError`` for a custom resource without it, ``StackError`` for others."""
    for held in (resource.attributes, resource.properties):
        if name in held:
            return held[name]
    value: Any = resource.attributes
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is not None:
        return value
    if resource.type.startswith("Custom::") or resource.type == "AWS::CloudFormation::CustomResource":
        raise ResourceError(
            f"CustomResource attribute error: Vendor response doesn't contain {name} attribute in object "
            f"{resource.logical}"
        )
    raise StackError(
        f"Template error: resource {resource.logical} does not support attribute type {name} in Fn::GetAtt"
    )


def imported(books: Books, region: str, name: str) -> str:
    """The exported value. Raises ``StackError``."""
    found = books.exports(region).get(name)
    if found is None:
        raise StackError(f"No export named {name} found. Rollback requested by user.")
    return found[0]


def ssm_lookup(world: World, region: str) -> Callable[[str], str]:
    """Reads parameters of type ``AWS::SSM::Parameter::Value``. Raises ``StackError`` for one that does not exist."""

    def lookup(name: str) -> str:
        try:
            told = world.client("ssm", region).get_parameter(Name=name, WithDecryption=True)
        except Exception as error:
            if "ParameterNotFound" in str(error):
                raise StackError(
                    f"Unable to fetch parameters [{name}] from parameter store for this account."
                ) from None
            raise
        return str(told["Parameter"]["Value"])

    return lookup


def dynamic(world: World, region: str) -> Callable[[str, str], str]:
    """``{{resolve:ssm:NAME}}`` and ``{{resolve:secretsmanager:ID:SecretString:KEY:STAGE:VERSION}}``."""
    lookup = ssm_lookup(world, region)

    def resolved(service: str, key: str) -> str:
        return _secret(world, region, key) if service == "secretsmanager" else lookup(key)

    return resolved


def _secret(world: World, region: str, key: str) -> str:
    arn, rest = _secret_id(key)
    parts = [*rest.split(":"), "", "", "", ""]
    named = {"VersionStage": parts[2], "VersionId": parts[3]}
    try:
        told = world.client("secretsmanager", region).get_secret_value(
            SecretId=arn, **{name: value for name, value in named.items() if value}
        )
        text = str(told["SecretString"])
        return str(orjson.loads(text)[parts[1]]) if parts[1] else text
    except Exception as error:
        raise StackError(f"Secrets Manager can't find the specified secret, or its key: {key} ({error})") from None


def _secret_id(key: str) -> tuple[str, str]:
    if not key.startswith("arn:"):
        name, _, rest = key.partition(":")
        return name, rest
    parts = key.split(":")
    return ":".join(parts[:7]), ":".join(parts[7:])
