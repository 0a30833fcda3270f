"""Tags of state machines and activities (a version or alias has none: recorded)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import regex

from sfn_emulator.service import arns
from sfn_emulator.service.errors import refuse, validation_errors
from sfn_emulator.service.store.records import Activity, StateMachine
from sfn_emulator.service.surroundings import Surroundings

MOST: Final = 50
_PATTERN: Final = r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$"
_TAKES: Final = regex.compile(_PATTERN).match
"""Unicode letters, digits, white space and ``_ . : / = + - @`` (API_TagResource: tags)."""


def merged(old: Mapping[str, str], given: Iterable[Mapping[str, str]], arn: str) -> dict[str, str]:
    """The merged tags. Raises ``TooManyTags`` beyond 50 and ``ValidationException`` for the reserved prefix
    ``aws:``.
    """
    tags = dict(old)
    for number, tag in enumerate(given, 1):
        key = _checked(tag, number)
        if key.lower().startswith("aws:"):
            raise refuse("ValidationException", "Tag keys starting with 'aws:' are reserved for system use")
        tags[key] = tag.get("value", "")
    if len(tags) > MOST:
        raise refuse("TooManyTags", f"A resource may have {MOST} tags, not {len(tags)}", resourceName=arn)
    return tags


def _checked(tag: Mapping[str, str], number: int) -> str:
    """The tag's key. Raises ``ValidationException`` for a missing key, and for characters that a tag may not have."""
    problems = [
        f"Value '{text}' at 'tags.{number}.member.{name}' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {_PATTERN}"
        for name, text in tag.items()
        if not _TAKES(text)
    ]
    if "key" not in tag:
        problems.append(
            f"Value null at 'tags.{number}.member.key' failed to satisfy constraint: Member must not be null"
        )
    if problems:
        raise validation_errors(problems)
    return tag["key"]


def _tagged(around: Surroundings, resource_arn: str) -> StateMachine | Activity:
    arn = arns.parse(resource_arn, "stateMachine", "activity")
    found: StateMachine | Activity | None = None
    if not arn.rest:
        if arn.kind == "stateMachine":
            found = around.store.get(StateMachine, resource_arn)
        else:
            found = around.store.get(Activity, resource_arn)
    if found is None:
        raise refuse("ResourceNotFound", resource_arn, resourceName=resource_arn)
    return found


def tag_resource(around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
    record = _tagged(around, told["resourceArn"])
    around.store.put(replace(record, tags=merged(record.tags, told["tags"], record.arn)))
    return {}


def untag_resource(around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
    record = _tagged(around, told["resourceArn"])
    gone = set(told["tagKeys"])
    around.store.put(replace(record, tags={key: value for key, value in record.tags.items() if key not in gone}))
    return {}


def list_tags_for_resource(around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
    record = _tagged(around, told["resourceArn"])
    return {"tags": [{"key": key, "value": value} for key, value in record.tags.items()]}
