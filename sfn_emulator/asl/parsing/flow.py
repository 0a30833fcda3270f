"""The data flow of a state: its input, output and assigned variables, in either query language."""

from sfn_emulator.asl.model import Flow, JsonataFlow, JsonPathFlow
from sfn_emulator.asl.parsing.draft import Fields
from sfn_emulator.asl.parsing.queries import assign, jsonata_template, output, path, result_path, template

_AFTER_RESULT = ("result",)
_FIELDS = frozenset(("InputPath", "Parameters", "ResultSelector", "ResultPath", "OutputPath", "Assign"))
_NOTHING = JsonPathFlow()


def read_flow(fields: Fields, *, has_result: bool = False, parameters: bool = True) -> Flow:
    """``has_result``: Task, Parallel and Map, whose Output and Assign may read ``$states.result``."""
    reserved = _AFTER_RESULT if has_result else ()
    if fields.state.jsonata:
        return JsonataFlow(
            arguments=jsonata_template(fields, "Arguments"),
            output=output(fields, reserved),
            assign=assign(fields, reserved),
        )
    if _FIELDS.isdisjoint(fields.raw):
        return _NOTHING
    return JsonPathFlow(
        input_path=path(fields, "InputPath", nullable=True),
        parameters=template(fields, "Parameters") if parameters else None,
        result_selector=template(fields, "ResultSelector"),
        result_path=result_path(fields),
        output_path=path(fields, "OutputPath", nullable=True),
        assign=assign(fields, reserved),
    )
