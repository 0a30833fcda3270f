"""Where a state leads: Next, End, Default, and the Next of rules and catchers."""

from sfn_emulator.asl.parsing.draft import Fields


def read_target(fields: Fields, key: str) -> str | None:
    """The named state; whether there is one is checked when all states of the scope are known."""
    target = fields.text(key)
    if target is None:
        return None
    if fields.stands_in(target):
        fields.state.scope.open = True
    else:
        fields.state.targets.append((target, fields.at(key)))
    return target


def read_next(fields: Fields) -> str | None:
    """Next, or ``None`` for End: exactly one of the two, unless the state stands alone (TestState)."""
    target = read_target(fields, "Next")
    end = fields.flag("End")
    if end or fields.stands_in(fields.raw.get("End")):
        fields.state.terminal = True
    if fields.draft.alone:
        fields.at_most_one("Next", "End")
    elif fields.exactly_one("Next", "End") == ["End"] and end is False:
        fields.refuse("This object should have only one of the following fields: [Next, End]")
    return target


def read_stray_next(fields: Fields) -> None:
    """The Next of a state that may not have one: it is refused, and yet counts as a way to its target (recorded)."""
    _loose(fields, fields.raw.get("Next"), "Next")


def read_loose_targets(fields: Fields) -> None:
    """The targets that a state of unknown type seems to have, so that one fault is not reported as many."""
    raw = fields.raw
    fields.state.terminal = raw.get("End") is True
    for key in ("Next", "Default"):
        _loose(fields, raw.get(key), key)
    for key in ("Choices", "Catch"):
        items = raw.get(key)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, dict):
                _loose(fields, item.get("Next"), key, index, "Next")


def _loose(fields: Fields, target: object, *keys: str | int) -> None:
    if fields.stands_in(target):
        fields.state.scope.open = True
    elif isinstance(target, str):
        fields.state.targets.append((target, fields.place + keys))
