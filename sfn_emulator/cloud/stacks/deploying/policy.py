"""Stack policies: which resources an update may touch (CloudFormation, "Prevent updates to stack resources")."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import orjson

from sfn_emulator.cloud.stacks.errors import ResourceError

Statement = Mapping[str, Any]


def check(policy: str | None, action: str, logical: str, kind: str) -> None:
    """``action`` is Modify, Replace or Delete. Without a policy everything is allowed; with one, only what it allows.
    Raises ``ResourceError`` in AWS's words.
    """
    if policy is None:
        return
    told = orjson.loads(policy).get("Statement") or []
    statements = told if isinstance(told, list) else [told]
    about = [
        (number, statement)
        for number, statement in enumerate(statements, 1)
        if _is_about(statement, f"Update:{action}", logical, kind)
    ]
    denying = next((number for number, statement in about if statement.get("Effect") == "Deny"), None)
    if denying is not None:
        raise ResourceError(
            f"Action denied by stack policy: Statement [#{denying}] does not allow [Update:{action}] for resource "
            f"[LogicalResourceId/{logical}]"
        )
    if not about:
        raise ResourceError(
            f"Action not allowed by stack policy: no statement allows [Update:{action}] for resource "
            f"[LogicalResourceId/{logical}]"
        )


def _is_about(statement: Statement, action: str, logical: str, kind: str) -> bool:
    return (
        _names(statement, "Action", action)
        and _names(statement, "Resource", f"LogicalResourceId/{logical}")
        and _is_of_type(statement, kind)
    )


def _names(statement: Statement, element: str, value: str) -> bool:
    if f"Not{element}" in statement:
        return not _names({element: statement[f"Not{element}"]}, element, value)
    told = statement.get(element) or []
    return any(fnmatchcase(value, str(pattern)) for pattern in (told if isinstance(told, list) else [told]))


def _is_of_type(statement: Statement, kind: str) -> bool:
    for keys in (statement.get("Condition") or {}).values():
        told = keys.get("ResourceType") or []
        if not any(fnmatchcase(kind, str(pattern)) for pattern in (told if isinstance(told, list) else [told])):
            return False
    return True
