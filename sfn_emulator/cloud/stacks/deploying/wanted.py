"""The resources that a template asks for, with its functions worked out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sfn_emulator.cloud.stacks.books import Books
from sfn_emulator.cloud.stacks.deploying.surroundings import scope_of, template_of
from sfn_emulator.cloud.stacks.errors import ResourceError, StackError
from sfn_emulator.cloud.stacks.records import OutputValue, Resource, Stack, Version
from sfn_emulator.cloud.stacks.resources.kind import World
from sfn_emulator.cloud.stacks.resources.schema import checked, property_names
from sfn_emulator.cloud.stacks.resources.table import kind_of
from sfn_emulator.cloud.stacks.template.intrinsics import holds, plain, resolve
from sfn_emulator.cloud.stacks.template.model import Declared, Template
from sfn_emulator.cloud.stacks.template.references import mentioned, wanted
from sfn_emulator.cloud.stacks.template.scope import Scope


@dataclass(frozen=True)
class Blueprint:
    """``order`` has the resources whose conditions hold, each after those it needs, and the waiting ones last."""

    template: Template
    scope: Scope
    order: Mapping[str, Declared]
    tags: Mapping[str, str]

    def resource(
        self, declared: Declared, check: Callable[[str, str, Mapping[str, Any]], dict[str, Any]] = checked
    ) -> Resource:
        """The resource as it should be. Raises ``ResourceError`` when a property does not fit the type."""
        try:
            properties = resolve({**_signals(declared.creation_policy, self.scope), **declared.properties}, self.scope)
            metadata = resolve(declared.metadata, self.scope)
            update_policy = resolve(declared.update_policy, self.scope)
            deletion = str(resolve(declared.deletion, self.scope))
            replacement = str(resolve(declared.replacement, self.scope))
        except StackError as error:
            raise ResourceError(error.message) from None
        return Resource(
            declared.logical,
            declared.type,
            properties=check(declared.type, declared.logical, self._tagged(declared.type, properties)),
            deletion=deletion,
            replacement=replacement,
            metadata=metadata,
            update_policy=update_policy,
            needs=self.needs(declared),
        )

    def needs(self, declared: Declared) -> tuple[str, ...]:
        """The resources that it refers to or depends on, in the template's order."""
        names = {
            *mentioned([declared.properties, declared.metadata, declared.update_policy], self.scope),
            *declared.depends_on,
        }
        return tuple(name for name in self.order if name in names)

    def _tagged(self, kind: str, properties: dict[str, Any]) -> dict[str, Any]:
        """Adds the stack's tags to a resource that can have tags (CloudFormation, "Resource tags"). The resource's own
        tags win.
        """
        own = properties.get("Tags")
        if not self.tags or "Tags" not in property_names(kind) or not isinstance(own, list | None):
            return properties
        merged = {
            **self.tags,
            **{tag["Key"]: tag["Value"] for tag in own or [] if isinstance(tag, dict) and "Key" in tag},
        }
        if kind in _MAPPED_TAGS:
            return {**properties, "Tags": merged}
        more = {str(tag["Key"]): tag for tag in own or [] if isinstance(tag, dict) and "Key" in tag}
        listed = [more.get(key, {"Key": key, "Value": value}) for key, value in merged.items()]
        return {**properties, "Tags": listed}

    def outputs(self) -> tuple[OutputValue, ...]:
        """Raises ``ResourceError``."""
        made = []
        try:
            for output in self.template.outputs.values():
                if output.condition is not None and not holds(output.condition, self.scope):
                    continue
                value = _text(resolve(output.value, self.scope))
                export = None if output.export is None else plain(resolve(output.export, self.scope))
                description = None if output.description is None else plain(resolve(output.description, self.scope))
                made.append(OutputValue(output.name, value, description, export))
        except StackError as error:
            raise ResourceError(error.message) from None
        return tuple(made)

    def imports(self) -> tuple[str, ...]:
        """The exports of other stacks that this one uses."""
        found: set[str] = set()
        chosen = [
            *(row.properties for row in self.order.values()),
            *(out.value for out in self.template.outputs.values()),
        ]
        for value in chosen:
            _find_imports(value, self.scope, found)
        return tuple(sorted(found))


def _text(value: Any) -> str:
    """An output's value. Raises ``StackError``."""
    if isinstance(value, dict | list):
        kind = "List" if isinstance(value, list) else "Map"
        raise StackError(
            "Template format error: The Value field of every Outputs member must evaluate to a String and not a "
            f"{kind}."
        )
    return plain(value)


_MAPPED_TAGS = frozenset(
    {"AWS::SSM::Parameter", "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage", "AWS::Pipes::Pipe"}
)


def blueprint(
    stack: Stack, version: Version, books: Books, world: World, resources: Mapping[str, Resource]
) -> Blueprint:
    """Raises ``StackError``."""
    template = template_of(version)
    scope = scope_of(stack, version, template, books, world, resources)
    order = wanted(template, scope)
    return Blueprint(template, scope, _waits_last(order, scope), version.tags)


def _waits_last(order: Mapping[str, Declared], scope: Scope) -> dict[str, Declared]:
    """The order with wait conditions last. A resource made beside one may signal it, so all resources that do not need
    it come first.
    """
    late: set[str] = set()
    for name, row in order.items():
        needs = {*mentioned([row.properties, row.metadata, row.update_policy], scope), *row.depends_on}
        if kind_of(row.type).waits or needs & late:
            late.add(name)
    return {name: order[name] for name in sorted(order, key=lambda name: name in late)}


def _find_imports(value: Any, scope: Scope, found: set[str]) -> None:
    if isinstance(value, dict):
        if set(value) == {"Fn::ImportValue"}:
            found.add(plain(resolve(value["Fn::ImportValue"], scope)))
            return
        for inner in value.values():
            _find_imports(inner, scope, found)
    elif isinstance(value, list):
        for inner in value:
            _find_imports(inner, scope, found)


_DURATION: Final = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")
_FIVE_MINUTES: Final = "PT5M"


def _signals(policy: Any, scope: Scope) -> dict[str, str]:
    """The creation policy of a wait condition as its properties: how many signals, and within how many seconds. Raises
    ``StackError``.
    """
    told = resolve(policy, scope) if policy is not None else None
    if told is None:
        return {}
    asked = told.get("ResourceSignal") or {} if isinstance(told, Mapping) else {}
    timeout = str(asked.get("Timeout", _FIVE_MINUTES))
    found = _DURATION.fullmatch(timeout)
    if found is None or not any(found.groups()):
        raise StackError(f"The Timeout of a CreationPolicy must be a duration like {_FIVE_MINUTES}, not {timeout}.")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return {"Count": str(asked.get("Count", 1)), "Timeout": str(hours * 3600 + minutes * 60 + seconds)}
