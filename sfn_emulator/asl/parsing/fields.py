"""Which state has which fields in which query language, as tables (`state-*` pages of the Developer Guide)."""

from typing import Final

from sfn_emulator.asl.model import QueryLanguage
from sfn_emulator.asl.parsing.draft import Fields

TYPES: Final = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map")
"""In the order in which AWS lists them (recorded)."""

JSONPATH_FIELDS: Final = {
    "Pass": "InputPath Parameters Result ResultPath OutputPath Assign Next End",
    "Task": "InputPath Parameters ResultSelector ResultPath OutputPath Assign Next End Resource Credentials "
    "Retry Catch TimeoutSeconds TimeoutSecondsPath HeartbeatSeconds HeartbeatSecondsPath",
    "Choice": "InputPath OutputPath Assign Choices Default",
    "Wait": "InputPath OutputPath Assign Next End Seconds SecondsPath Timestamp TimestampPath",
    "Succeed": "InputPath OutputPath",
    "Fail": "Error ErrorPath Cause CausePath",
    "Parallel": "InputPath Parameters ResultSelector ResultPath OutputPath Assign Next End Branches Retry Catch",
    "Map": "InputPath Parameters ResultSelector ResultPath OutputPath Assign Next End Retry Catch "
    "Iterator ItemProcessor ItemsPath ItemSelector MaxConcurrency MaxConcurrencyPath Label ItemReader ItemBatcher "
    "ResultWriter ToleratedFailureCount ToleratedFailureCountPath ToleratedFailurePercentage "
    "ToleratedFailurePercentagePath",
}
JSONATA_FIELDS: Final = {
    "Pass": "Output Assign Next End",
    "Task": "Arguments Output Assign Next End Resource Credentials Retry Catch TimeoutSeconds HeartbeatSeconds",
    "Choice": "Output Assign Choices Default",
    "Wait": "Output Assign Next End Seconds Timestamp",
    "Succeed": "Output",
    "Fail": "Error Cause",
    "Parallel": "Arguments Output Assign Next End Branches Retry Catch",
    "Map": "Output Assign Next End Retry Catch Iterator ItemProcessor Items ItemSelector MaxConcurrency Label "
    "ItemReader ItemBatcher ResultWriter ToleratedFailureCount ToleratedFailurePercentage",
}
_EVERY: Final = "Type Comment QueryLanguage "

_ALLOWED: Final = {
    QueryLanguage.JSONPATH: {kind: frozenset((_EVERY + names).split()) for kind, names in JSONPATH_FIELDS.items()},
    QueryLanguage.JSONATA: {kind: frozenset((_EVERY + names).split()) for kind, names in JSONATA_FIELDS.items()},
}
_JSONATA_ONLY: Final = frozenset(("Arguments", "Output", "Condition"))
"""Fields within a state that only JSONata has; all others given to ``check_language`` are JSONPath's."""


def check_state_fields(fields: Fields, kind: str) -> None:
    """Refuses fields that states of this type don't have: unknown ones, and those of other types, each in AWS's
    words.
    """
    language = fields.state.language
    allowed = _ALLOWED[language][kind]
    if allowed.issuperset(fields.raw):
        return
    other = _ALLOWED[_other(language)][kind]
    for name in fields.raw:
        if name not in allowed:
            refuse_field(fields, name, of_other_language=name in other)


def check_fields(fields: Fields, allowed: frozenset[str]) -> None:
    """Refuses fields that an object other than a state doesn't have."""
    if not allowed.issuperset(fields.raw):
        for name in fields.raw:
            if name not in allowed:
                refuse_field(fields, name, of_other_language=False)


def check_language(fields: Fields, *names: str) -> None:
    """Refuses fields that belong to the other query language."""
    for name in names:
        if name in fields.raw and (name in _JSONATA_ONLY) is not fields.state.jsonata:
            refuse_field(fields, name, of_other_language=True)


def refuse_field(fields: Fields, name: str, *, of_other_language: bool) -> None:
    """Reports a field in the words AWS has for one of the other query language, or for one that it does not know."""
    language = fields.state.language
    if not of_other_language:
        fields.refuse(f"Field '{name}' is not supported", field=name)
        return
    if fields.draft.unknown_language:
        return
    fields.refuse(
        f"The QueryLanguage is set to '{language}', but field '{name}' is only supported for the "
        f"'{_other(language)}' QueryLanguage",
        "QUERY_LANGUAGE",
        field=name,
    )


def _other(language: QueryLanguage) -> QueryLanguage:
    return QueryLanguage.JSONPATH if language is QueryLanguage.JSONATA else QueryLanguage.JSONATA
