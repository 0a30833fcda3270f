"""Tags of existing resources: removes those that are gone, sets those that are new or changed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def tags_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """From either form of ``Tags``: a map, or a list of Key and Value."""
    told = properties.get("Tags") or {}
    return dict(told) if isinstance(told, Mapping) else {str(tag["Key"]): str(tag.get("Value", "")) for tag in told}


def retag(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    put: Callable[[dict[str, str]], object],
    remove: Callable[[Sequence[str]], object],
) -> None:
    """Calls ``remove`` and ``put`` only if there is something to do."""
    old, new = tags_of(before), tags_of(after)
    gone = [key for key in old if key not in new]
    changed = {key: value for key, value in new.items() if old.get(key) != value}
    if gone:
        remove(gone)
    if changed:
        put(changed)


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """The list of Key and Value that most services' calls take."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
