"""The values that a template's functions may ask for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

NO_VALUE: Final = object()
"""The value of ``AWS::NoValue``: the list or mapping around it drops it."""

KNOWN_AFTER_APPLY: Final = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""The placeholder in a change set for a value that is known only after the change (AWS's own)."""


@dataclass(frozen=True)
class Scope:
    """``reference(logical)`` and ``attribute(logical, name)`` read resources, ``imported(name)`` other stacks'
    exports, ``resolved(service, key)`` dynamic references. Each raises ``ResourceError`` or ``StackError``.
    """

    parameters: Mapping[str, Any]
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    resources: frozenset[str] = frozenset()
    reference: Callable[[str], Any] = lambda logical: KNOWN_AFTER_APPLY
    attribute: Callable[[str, str], Any] = lambda logical, name: KNOWN_AFTER_APPLY
    imported: Callable[[str], Any] = lambda name: KNOWN_AFTER_APPLY
    resolved: Callable[[str, str], Any] = lambda service, key: KNOWN_AFTER_APPLY
    judged: dict[str, bool] = field(default_factory=dict)
    """Conditions worked out so far."""
    judging: list[str] = field(default_factory=list)
    """The conditions that are being worked out, each for the one before it."""

    @property
    def region(self) -> str:
        return str(self.parameters["AWS::Region"])


def pseudo_parameters(stack_id: str, name: str, region: str, account: str, topics: list[str]) -> dict[str, Any]:
    """The values of ``AWS::Region`` and its kin in that stack."""
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    return {
        "AWS::AccountId": account,
        "AWS::NoValue": NO_VALUE,
        "AWS::NotificationARNs": topics,
        "AWS::Partition": partition,
        "AWS::Region": region,
        "AWS::StackId": stack_id,
        "AWS::StackName": name,
        "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
    }
