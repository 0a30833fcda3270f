"""The values of a template's functions. ``resolve`` works out a value, ``holds`` a condition.

Rules: CloudFormation Template Reference, "Intrinsic function reference"; a list or mapping drops a member that is
NoValue.
"""

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from sfn_emulator.cloud.stacks.errors import StackError
from sfn_emulator.cloud.stacks.template.scope import KNOWN_AFTER_APPLY, NO_VALUE, Scope

LONGEST: Final = 1_000_000
"""Characters a text may have, as many as a whole template: nested functions could multiply it."""
_MOST_SUBNETS: Final = 256
_SHOWN: Final = 200
_PLACEHOLDER: Final = re.compile(r"\$\{(!?)([^}]*)\}")
_DYNAMIC: Final = re.compile(r"\{\{resolve:(ssm-secure|ssm|secretsmanager):([^{}]+)\}\}")
_REGION_LETTERS: Final = "abc"


def resolve(value: Any, scope: Scope) -> Any:
    """``value`` with every function worked out; ``NO_VALUE`` if nothing is left. Raises ``StackError``."""
    if isinstance(value, dict):
        name = function_of(value)
        if name is not None:
            return _called(name, value[name], scope)
        pairs = ((key, resolve(inner, scope)) for key, inner in value.items())
        return {key: inner for key, inner in pairs if inner is not NO_VALUE}
    if isinstance(value, list):
        return [inner for inner in (resolve(item, scope) for item in value) if inner is not NO_VALUE]
    if isinstance(value, str) and "{{resolve:" in value:
        return _DYNAMIC.sub(lambda found: str(scope.resolved(found[1], found[2])), value)
    return value


def _called(name: str, told: Any, scope: Scope) -> Any:
    """The function's value. Raises ``StackError``, which names the function with invalid arguments."""
    try:
        return _FUNCTIONS[name](told, scope)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError):
        shown = orjson.dumps(told, default=str).decode()
        more = "..." if len(shown) > _SHOWN else ""
        raise StackError(f"Template error: {name} cannot be worked out of {shown[:_SHOWN]}{more}") from None


def function_of(value: Mapping[str, Any]) -> str | None:
    """The name of the function that a mapping of one key calls, or ``None``. Raises ``StackError`` for an unknown
    ``Fn::``.
    """
    if len(value) != 1:
        return None
    (name,) = value
    if name in _FUNCTIONS:
        return name
    if name.startswith("Fn::"):
        raise StackError(f"Template error: {name} is not a function that is known here.")
    return None


def holds(name: str, scope: Scope) -> bool:
    """A condition of the Conditions section by its name."""
    if name not in scope.judged:
        if name not in scope.conditions:
            raise StackError(
                f"Template error: unresolved condition dependency {name} in the Conditions block of the template"
            )
        if name in scope.judging:
            circle = ", ".join(scope.judging)
            raise StackError(f"Template error: Circular dependency between conditions: [{circle}]")
        scope.judging.append(name)
        try:
            scope.judged[name] = _judged(scope.conditions[name], scope)
        finally:
            scope.judging.pop()
    return scope.judged[name]


def _judged(value: Any, scope: Scope) -> bool:
    if isinstance(value, dict) and set(value) == {"Condition"}:
        return holds(value["Condition"], scope)
    told = resolve(value, scope)
    if isinstance(told, bool):
        return told
    if str(told).lower() in ("true", "false"):
        return str(told).lower() == "true"
    raise StackError(
        "Template error: every condition must come to true or false: use Fn::Equals, Fn::And, Fn::Or, Fn::Not."
    )


def _ref(name: Any, scope: Scope) -> Any:
    if name in scope.parameters:
        return scope.parameters[name]
    if name in scope.resources:
        return scope.reference(name)
    raise StackError(
        f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
    )


def _get_att(told: Any, scope: Scope) -> Any:
    parts = told.split(".", 1) if isinstance(told, str) else told
    if not isinstance(parts, list) or len(parts) < 2:
        raise StackError(
            "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and "
            "the resource attribute"
        )
    logical, name = str(parts[0]), ".".join(str(resolve(part, scope)) for part in parts[1:])
    if logical not in scope.resources:
        raise StackError(f"Template error: instance of Fn::GetAtt references undefined resource {logical}")
    return scope.attribute(logical, name)


def _sub(told: Any, scope: Scope) -> Any:
    text, own = told if isinstance(told, list) and len(told) == 2 else (told, {})
    if not isinstance(text, str) or not isinstance(own, dict):
        raise StackError(
            "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a "
            "string as first argument, and an optional second argument to specify a mapping of values to replace "
            "in the string"
        )
    values = {name: resolve(value, scope) for name, value in own.items()}
    length = 0

    def filled(found: re.Match[str]) -> str:
        nonlocal length
        name = found[2].strip()
        if found[1]:
            return "${" + found[2] + "}"
        value = values[name] if name in values else _get_att(name, scope) if "." in name else _ref(name, scope)
        length = _counted("Fn::Sub", length, value := plain(value))
        return value

    return resolve(_PLACEHOLDER.sub(filled, text), scope)


def plain(value: Any) -> str:
    """A value as it stands within a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(plain(item) for item in value)
    return "" if value is NO_VALUE else str(value)


def _join(told: Any, scope: Scope) -> Any:
    delimiter, parts = _arguments("Fn::Join", told, 2)
    items = resolve(parts, scope)
    if items == KNOWN_AFTER_APPLY:
        return KNOWN_AFTER_APPLY
    if not isinstance(items, list):
        raise StackError(
            "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a "
            "list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to "
            "be joined."
        )
    between, length, texts = str(resolve(delimiter, scope)), 0, []
    for item in items:
        length = _counted("Fn::Join", length + len(between), text := plain(item))
        texts.append(text)
    return between.join(texts)


def _counted(function: str, length: int, text: str) -> int:
    """``length`` plus that of ``text``. Raises ``StackError`` if that is more than a template may have."""
    if length + len(text) > LONGEST:
        raise StackError(f"Template error: {function} makes a text of more than {LONGEST} characters")
    return length + len(text)


def _split(told: Any, scope: Scope) -> Any:
    delimiter, text = _arguments("Fn::Split", told, 2)
    value = resolve(text, scope)
    return KNOWN_AFTER_APPLY if value == KNOWN_AFTER_APPLY else plain(value).split(str(resolve(delimiter, scope)))


def _select(told: Any, scope: Scope) -> Any:
    index, items = _arguments("Fn::Select", told, 2)
    listed = resolve(items, scope)
    if listed == KNOWN_AFTER_APPLY:
        return KNOWN_AFTER_APPLY
    try:
        number = int(resolve(index, scope))
        if number < 0:
            raise IndexError
        return listed[number]
    except (IndexError, ValueError, TypeError, KeyError):
        raise StackError(
            "Template error: Fn::Select cannot select nonexistent value at index " + plain(resolve(index, scope))
        ) from None


def _find_in_map(told: Any, scope: Scope) -> Any:
    if not isinstance(told, list) or len(told) not in (3, 4):
        raise StackError(
            "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the "
            "attribute for return value"
        )
    name, first, second = (plain(resolve(part, scope)) for part in told[:3])
    try:
        return resolve(scope.mappings[name][first][second], scope)
    except (KeyError, TypeError):
        if len(told) == 4 and isinstance(told[3], dict) and "DefaultValue" in told[3]:
            return resolve(told[3]["DefaultValue"], scope)
        raise StackError(f"Template error: Unable to get mapping for {name}::{first}::{second}") from None


def _if(told: Any, scope: Scope) -> Any:
    condition, then, otherwise = _arguments("Fn::If", told, 3)
    return resolve(then if holds(str(condition), scope) else otherwise, scope)


def _equals(told: Any, scope: Scope) -> bool:
    left, right = (resolve(part, scope) for part in _arguments("Fn::Equals", told, 2))
    return bool(left == right if isinstance(left, list | dict) else plain(left) == plain(right))


def _all_of(told: Any, scope: Scope) -> bool:
    return all(_verdicts("Fn::And", told, scope))


def _any_of(told: Any, scope: Scope) -> bool:
    return any(_verdicts("Fn::Or", told, scope))


def _verdicts(name: str, told: Any, scope: Scope) -> list[bool]:
    if not isinstance(told, list) or not 2 <= len(told) <= 10:
        raise StackError(
            f"Template error: every {name} object requires a list of at least 2 and at most 10 boolean parameters."
        )
    return [_judged(part, scope) for part in told]


def _not(told: Any, scope: Scope) -> bool:
    if isinstance(told, list) and len(told) != 1:
        raise StackError("Template error: every Fn::Not object requires one boolean parameter.")
    return not _judged(told[0] if isinstance(told, list) else told, scope)


def _base64(told: Any, scope: Scope) -> str:
    return base64.b64encode(plain(resolve(told, scope)).encode()).decode()


def _cidr(told: Any, scope: Scope) -> list[str]:
    block, count, bits = (resolve(part, scope) for part in [*told, 8][:3])
    if not 1 <= int(count) <= _MOST_SUBNETS:
        raise StackError(f"Template error: Fn::Cidr makes 1 to {_MOST_SUBNETS} address blocks, not {count}.")
    network = ipaddress.ip_network(str(block), strict=False)
    subnets = network.subnets(new_prefix=network.max_prefixlen - int(bits))
    return [str(subnet) for _, subnet in zip(range(int(count)), subnets, strict=False)]


def _zones(told: Any, scope: Scope) -> list[str]:
    region = plain(resolve(told, scope)) or scope.region
    return [region + letter for letter in _REGION_LETTERS]


def _import(told: Any, scope: Scope) -> Any:
    return scope.imported(plain(resolve(told, scope)))


def _length(told: Any, scope: Scope) -> int:
    listed = resolve(told, scope)
    if not isinstance(listed, list):
        raise StackError("Template error: Fn::Length needs a list.")
    return len(listed)


def _to_json(told: Any, scope: Scope) -> str:
    return orjson.dumps(resolve(told, scope)).decode()


def _contains(told: Any, scope: Scope) -> bool:
    listed, value = (resolve(part, scope) for part in _arguments("Fn::Contains", told, 2))
    return plain(value) in [plain(item) for item in listed]


def _each_equals(told: Any, scope: Scope) -> bool:
    listed, value = (resolve(part, scope) for part in _arguments("Fn::EachMemberEquals", told, 2))
    return all(plain(item) == plain(value) for item in listed)


def _each_in(told: Any, scope: Scope) -> bool:
    inner, outer = (resolve(part, scope) for part in _arguments("Fn::EachMemberIn", told, 2))
    return {plain(item) for item in inner} <= {plain(item) for item in outer}


def _arguments(name: str, told: Any, count: int) -> list[Any]:
    if not isinstance(told, list) or len(told) != count:
        raise StackError(f"Template error: {name} needs a list of {count} arguments.")
    return told


_FUNCTIONS: Final[Mapping[str, Callable[[Any, Scope], Any]]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::FindInMap": _find_in_map,
    "Fn::If": _if,
    "Fn::Equals": _equals,
    "Fn::And": _all_of,
    "Fn::Or": _any_of,
    "Fn::Not": _not,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::GetAZs": _zones,
    "Fn::ImportValue": _import,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json,
    "Fn::Contains": _contains,
    "Fn::EachMemberEquals": _each_equals,
    "Fn::EachMemberIn": _each_in,
}
