"""The meaning of each code in one sentence: for the rules of a SARIF log, and for docs/how-to/linting.md."""

from typing import Final

ERRORS: Final = {
    "INVALID_JSON_DESCRIPTION": "The text is no JSON or YAML.",
    "SCHEMA_VALIDATION_FAILED": "A field is missing or unknown, or its value is not allowed.",
    "MISSING_TRANSITION_TARGET": "A state that is named does not exist, or a state is never reached.",
    "MISSING_END_STATE": "No state ends the workflow.",
    "DUPLICATE_STATE_NAME": "Two states have the same name.",
    "INVALID_STATE_NAME": "A state's name is too long.",
    "DUPLICATE_LABEL_NAME": "Two Distributed Maps have the same Label.",
    "INVALID_LABEL_NAME": "A Label is too long, or has characters that are not allowed.",
    "TOO_DEEPLY_NESTED": "Values or states are nested too deeply.",
    "INVALID_JSONATA_EXPRESSION": "A JSONata expression has a syntax error.",
    "UNSUPPORTED_JSONATA_EXPRESSION": "A JSONata expression reads something that does not exist in its place.",
    "DEFINITION_UNREADABLE": "A template's definition can't be read.",
}
"""The codes of refusals by create."""
WARNINGS: Final = {
    "NO_DOLLAR": "A value looks like a path, but its field does not end with '.$'.",
    "NO_PATH": "A value looks like a path, but its field does not end with 'Path'.",
    "PASS_RESULT_IS_STATIC": "A Result has fields that end with '.$', which are not evaluated.",
    "NOT_INTEGRATED": "boto3 knows the AWS SDK action, but AWS does not list it for Step Functions.",
    "DEFINITION_NOT_CHECKED": "A template's definition is known only when it is deployed.",
}
ADVICE: Final = {
    "UNGUARDED_TASK": "An error of a Task ends the execution.",
    "ESCAPING_ERRORS": "A Task catches some errors, and others end the execution.",
    "SHADOWED_ERROR": "An earlier handler takes an error that a later one names.",
    "UNREACHABLE_HANDLER": "A Retrier or Catcher never gets an error.",
}
"""Warnings that are only told with ``--advice``."""
CODES: Final = ERRORS | WARNINGS | ADVICE
