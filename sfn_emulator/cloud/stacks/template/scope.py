"""What a template's functions may ask for while they are worked out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

NO_VALUE: Final = object()
"""What ``AWS::NoValue`` comes to: whatever holds it, does without."""

KNOWN_AFTER_APPLY: Final = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""What stands, in a change set, for a value that only the change itself will bring (AWS's own placeholder)."""


@dataclass(frozen=True)
class Scope:
    """``reference(logical)`` and ``attribute(logical, name)`` tell of resources, ``imported(name)`` of other stacks'
    exports, ``resolved(service, key)`` of dynamic references. Each raises ``ResourceError`` or ``StackError``."""

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

    @property
    def region(self) -> str:
        return str(self.parameters["AWS::Region"])


def pseudo_parameters(stack_id: str, name: str, region: str, account: str, topics: list[str]) -> dict[str, Any]:
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
