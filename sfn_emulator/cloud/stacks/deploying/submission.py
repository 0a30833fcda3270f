"""A request's template and parameters → a checked ``Version``: text fetched, macros run, parameters filled in."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from sfn_emulator.cloud.requests.addressing import bucket_path
from sfn_emulator.cloud.requests.message import Request
from sfn_emulator.cloud.stacks.books import Books
from sfn_emulator.cloud.stacks.deploying.surroundings import scope_of, ssm_lookup, template_of
from sfn_emulator.cloud.stacks.errors import StackError
from sfn_emulator.cloud.stacks.records import Stack, Version
from sfn_emulator.cloud.stacks.resources.kind import World
from sfn_emulator.cloud.stacks.resources.schema import attributes, is_described, property_names
from sfn_emulator.cloud.stacks.resources.table import KINDS, is_known, kind_of
from sfn_emulator.cloud.stacks.template import macros, parameters
from sfn_emulator.cloud.stacks.template.intrinsics import holds, resolve
from sfn_emulator.cloud.stacks.template.model import Template, transforms
from sfn_emulator.cloud.stacks.template.references import wanted
from sfn_emulator.cloud.stacks.template.scope import Scope, pseudo_parameters
from sfn_emulator.cloud.stacks.template.text import BODY_LIMIT, parsed

_SENT_LIMIT: Final = 51_200
"""Bytes of a template in the request itself (CloudFormation quotas); a longer one comes from S3."""
_LOCAL: Final = (".localhost", ".localhost.localstack.cloud")
_NAMED_IAM: Final = {
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
}
_IAM: Final = frozenset(
    {*_NAMED_IAM, "AWS::IAM::Policy", "AWS::IAM::AccessKey", "AWS::IAM::UserToGroupAddition", "AWS::IAM::RolePolicy"}
)


def location(url: str) -> tuple[str, str]:
    """Bucket and key of an S3 object, however the address is written. Raises ``StackError``."""
    parts = urlsplit(url)
    if parts.scheme == "s3":
        return parts.netloc, unquote(parts.path.lstrip("/"))
    host = parts.netloc.partition(":")[0].lower()
    path = bucket_path(Request("GET", parts.path, headers={"host": parts.netloc})) or parts.path
    suffix = next((suffix for suffix in _LOCAL if host.endswith(suffix)), None)
    if path == parts.path and suffix and host.removesuffix(suffix).split(".")[0] not in ("s3", "www"):
        path = f"/{host.removesuffix(suffix).removesuffix('.s3')}{parts.path}"
    bucket, _, key = path.lstrip("/").partition("/")
    if not bucket or not key:
        raise StackError(
            f"TemplateURL must reference a valid S3 object to which you have access. ('{url}' names none.)"
        )
    return bucket, unquote(key)


def fetch(world: World, region: str, url: str) -> str:
    """The text of an S3 object. Raises ``StackError``."""
    bucket, key = location(url)
    try:
        told = world.client("s3", region).get_object(Bucket=bucket, Key=key)
        content: bytes = told["Body"].read()
    except Exception as error:
        raise StackError(f"S3 error: {error} (bucket '{bucket}', key '{key}')") from None
    if len(content) > BODY_LIMIT:
        raise StackError(f"Template may not exceed {BODY_LIMIT} bytes in size.")
    return content.decode("utf-8", "replace")


def body_of(told: Mapping[str, Any], world: World, region: str, previous: Version | None) -> str:
    """The template's text: in the request, behind its URL, or as it was. Raises ``StackError``."""
    if told.get("TemplateBody") is not None:
        body = str(told["TemplateBody"])
        if len(body.encode()) > _SENT_LIMIT:
            raise StackError(
                "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have "
                f"length less than or equal to {_SENT_LIMIT}"
            )
        return body
    if told.get("TemplateURL"):
        return fetch(world, region, told["TemplateURL"])
    if told.get("UsePreviousTemplate") and previous is not None:
        return previous.body
    raise StackError("Either Template URL or Template Body must be specified.")


def submitted(stack: Stack, told: Mapping[str, Any], world: World, books: Books, previous: Version | None) -> Version:
    """The version that a request asks for, checked as far as is possible before anything is made. Raises
    ``StackError``.
    """
    body = body_of(told, world, stack.region, previous)
    source = parsed(body)
    texts = parameter_texts(source, told.get("Parameters") or [], previous)
    topics = told.get("NotificationARNs")
    tags = told.get("Tags")
    bare = Version(
        body,
        source,
        texts,
        {tag["Key"]: tag["Value"] for tag in tags} if tags is not None else dict(previous.tags) if previous else {},
        tuple(told.get("Capabilities") or ()),
        tuple(topics if topics is not None else previous.topics if previous else ()),
        told.get("RoleARN") or (previous.role if previous else None),
    )
    return checked_version(stack, bare, world, books)


def checked_version(stack: Stack, bare: Version, world: World, books: Books) -> Version:
    """``bare`` with its macros run and all of it checked. Raises ``StackError``."""
    made = expanded(bare.source, bare.texts, stack, world)
    version = Version(bare.body, made, bare.texts, bare.tags, bare.capabilities, bare.topics, bare.role)
    template = template_of(version)
    scope = scope_of(stack, version, template, books, world, {})
    check_types(template, scope)
    _check_snapshots(template)
    for name in template.conditions:
        holds(name, scope)
    _check_rules(template, scope)
    wanted(template, scope)
    _check_attributes(template)
    return version


def expanded(source: Mapping[str, Any], texts: Mapping[str, str], stack: Stack, world: World) -> dict[str, Any]:
    """The template with its macros and transforms applied."""

    def materials(template: dict[str, Any]) -> macros.Materials:
        pseudo = pseudo_parameters(stack.id, stack.name, stack.region, world.account, [])
        declared = template.get("Parameters") or {}
        values = parameters.values(declared, texts, ssm_lookup(world, stack.region))
        return macros.Materials({**pseudo, **values}, stack.region, lambda url: fetch(world, stack.region, url))

    return macros.expanded(dict(source), materials)


def parameter_texts(
    source: Mapping[str, Any], told: Sequence[Mapping[str, Any]], previous: Version | None
) -> dict[str, str]:
    """The texts of a template's parameters: given, kept from the previous version, or by default. Raises
    ``StackError``.
    """
    declared = source.get("Parameters") or {}
    given: dict[str, str] = {}
    for row in told:
        name = str(row.get("ParameterKey"))
        if row.get("UsePreviousValue"):
            if previous is None or name not in previous.texts:
                raise StackError(
                    f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a "
                    "parameter key not in the previous template"
                )
            given[name] = previous.texts[name]
        else:
            given[name] = str(row.get("ParameterValue", ""))
    read_declared = {name: row for name, row in declared.items() if isinstance(row, dict) and "Type" in row}
    return parameters.given(read_declared, given)


def check_types(template: Template, scope: Scope) -> None:
    """Refuses a type that is not supported, by its name, before anything is made. Raises ``StackError``."""
    unknown = sorted({row.type for row in template.resources.values() if not is_known(row.type)})
    if unknown:
        raise StackError(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")


def _check_snapshots(template: Template) -> None:
    """Refuses a Snapshot policy: AWS keeps no snapshots of the supported types."""
    for row in template.resources.values():
        for name, policy in (("DeletionPolicy", row.deletion), ("UpdateReplacePolicy", row.replacement)):
            if policy == "Snapshot":
                raise StackError(f"Template error: {row.type} of {row.logical} does not support {name} Snapshot.")


def _check_attributes(template: Template) -> None:
    for logical, name in _asked(list(template.source.items())):
        row = template.resources.get(logical)
        if row is None:
            raise StackError(f"Template error: instance of Fn::GetAtt references undefined resource {logical}")
        if not isinstance(name, str) or row.type not in KINDS or not is_described(row.type):
            continue
        known = attributes(row.type) | kind_of(row.type).attributes | property_names(row.type)
        if kind_of(row.type).attributes != _ANY and name not in known and name.split(".")[0] not in known:
            raise StackError(f"Template error: resource {logical} does not support attribute type {name} in Fn::GetAtt")


_ANY: Final = frozenset({"*"})


def _asked(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        if set(value) == {"Fn::GetAtt"}:
            told = value["Fn::GetAtt"]
            parts = told.split(".", 1) if isinstance(told, str) else told
            if isinstance(parts, list) and len(parts) == 2 and isinstance(parts[0], str):
                return [(parts[0], parts[1])]
            return []
        return [found for key, inner in value.items() if key != "Metadata" for found in _asked(inner)]
    if isinstance(value, list | tuple):
        return [found for inner in value for found in _asked(inner)]
    return []


def _check_rules(template: Template, scope: Scope) -> None:
    for name, rule in template.rules.items():
        asserted = rule.get("Assertions") or [] if isinstance(rule, dict) else None
        if not isinstance(asserted, list) or not all(isinstance(row, dict) and "Assert" in row for row in asserted):
            raise StackError(f"Template format error: Rule {name} needs a list of Assertions, each with an Assert.")
        condition = rule.get("RuleCondition")
        if condition is not None and not resolve(condition, scope):
            continue
        for assertion in asserted:
            if not resolve(assertion["Assert"], scope):
                told = assertion.get("AssertDescription") or f"Rule {name} does not hold"
                raise StackError(f"Template validation error: Rule {name} failed: {told}")


def capabilities_needed(template: Template, scope: Scope) -> tuple[str, list[str]] | None:
    """The capability the resources ask for, and their types; ``None`` if none is needed."""
    chosen = [row for row in template.resources.values() if row.condition is None or holds(row.condition, scope)]
    kinds = sorted({row.type for row in chosen if row.type in _IAM})
    if not kinds:
        return None
    named = any(row.properties.get(_NAMED_IAM.get(row.type, "-")) is not None for row in chosen)
    return ("CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"), kinds


def check_capabilities(version: Version, stack: Stack, world: World, books: Books, *, change_set: bool) -> None:
    """Raises ``StackError`` InsufficientCapabilitiesException in AWS's words."""
    template = template_of(version)
    needed = capabilities_needed(template, scope_of(stack, version, template, books, world, {}))
    if needed is not None and not _has(version.capabilities, needed[0]):
        raise StackError(f"Requires capabilities : [{needed[0]}]", "InsufficientCapabilitiesException")
    macro = transforms(parsed(version.body))
    if macro and not change_set and "CAPABILITY_AUTO_EXPAND" not in version.capabilities:
        raise StackError("Requires capabilities : [CAPABILITY_AUTO_EXPAND]", "InsufficientCapabilitiesException")


def _has(given: tuple[str, ...], needed: str) -> bool:
    return needed in given or (needed == "CAPABILITY_IAM" and "CAPABILITY_NAMED_IAM" in given)
