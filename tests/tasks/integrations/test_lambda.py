import base64
import json

import pytest

from sfn_emulator.engine.ports import TaskAnswered, TaskFailed, TaskSubmitted, TaskSucceeded
from sfn_emulator.errors import OWN_FAULT
from sfn_emulator.tasks.integrations.lambda_ import Invoked
from tests.tasks.conftest import ACCOUNT, REGION, Host

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
INVOKE = "arn:aws:states:::lambda:invoke"


def test_by_arn_the_input_is_the_payload_and_the_payload_the_output(host: Host) -> None:
    host.functions.code["f"] = lambda payload: Invoked(b'{"got":' + payload + b"}")
    told = host.run(ARN, {"a": [1, "é"]})
    assert told == TaskSucceeded(1, {"got": {"a": [1, "é"]}})


def test_a_failing_function_gives_its_error_type_and_its_payload_as_cause(host: Host) -> None:
    payload = b'{"errorMessage":"no stock","errorType":"OutOfStock","stackTrace":["here"]}'
    host.functions.code["f"] = lambda _: Invoked(payload, "Unhandled")
    assert host.run(ARN, {}) == TaskFailed(1, "OutOfStock", payload.decode())


def test_a_failure_without_a_type_is_unknown(host: Host) -> None:
    host.functions.code["f"] = lambda _: Invoked(b'{"errorMessage":"Task timed out after 3.00 seconds"}', "Unhandled")
    assert host.run(ARN, {}) == TaskFailed(
        1,
        "Lambda.Unknown",
        "The cause could not be determined because Lambda did not return an error type. Returned payload: "
        '{"errorMessage":"Task timed out after 3.00 seconds"}',
    )


def test_a_function_that_is_not_there(host: Host) -> None:
    told = host.run(INVOKE, {"FunctionName": "nope"})
    assert isinstance(told, TaskFailed)
    assert told.error == "Lambda.ResourceNotFoundException"
    assert told.cause is not None
    assert told.cause.startswith(
        f"Function not found: arn:aws:lambda:{REGION}:{ACCOUNT}:function:nope:$LATEST (Service: AWSLambda; "
        "Status Code: 404; Error Code: ResourceNotFoundException; Request ID: "
    )


def test_invoke_wraps_the_payload_in_what_the_call_answered(host: Host) -> None:
    host.functions.code["f"] = lambda payload: Invoked(b'{"n":1}', executed_version="7")

    told = host.run(INVOKE, {"FunctionName": ARN, "Payload": {"x": 1}})

    assert isinstance(told, TaskSucceeded)
    assert list(told.output) == ["ExecutedVersion", "Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode"]
    assert (told.output["ExecutedVersion"], told.output["Payload"], told.output["StatusCode"]) == ("7", {"n": 1}, 200)
    headers = told.output["SdkHttpMetadata"]["HttpHeaders"]
    assert headers["Content-Length"] == "7"
    assert headers["X-Amz-Executed-Version"] == "7"
    assert headers["x-amzn-Remapped-Content-Length"] == "0"


def test_a_callback_waits_for_its_token_after_the_function_has_answered(host: Host) -> None:
    host.functions.code["f"] = lambda _: Invoked(b"null")

    host.start(INVOKE + ".waitForTaskToken", {"FunctionName": "f", "Payload": {}}, token="t")
    submitted = host.next()
    host.tokens.waiting["t"].succeeded({"done": True})

    assert isinstance(submitted, TaskSubmitted)
    assert submitted.output["Payload"] is None
    assert host.next() == TaskSucceeded(1, {"done": True})
    assert host.tokens.waiting == {}


def test_an_answer_that_comes_before_the_submission_waits_for_it(host: Host) -> None:
    host.functions.code["f"] = lambda _: Invoked(b"1")

    host.start(INVOKE + ".waitForTaskToken", {"FunctionName": "f"}, token="t")
    host.tokens.waiting["t"].failed("Declined", "why")

    assert host.next() == TaskAnswered(1, error="Declined", cause="why")
    assert isinstance(host.next(), TaskSubmitted)
    assert host.next() == TaskFailed(1, "Declined", "why")


def test_an_invocation_answered_before_a_crash_is_not_repeated(host: Host) -> None:
    host.functions.code["f"] = lambda _: Invoked(b"1")

    host.start(INVOKE + ".waitForTaskToken", {"FunctionName": "f"}, token="t", answered=TaskSucceeded(1, "early"))

    assert host.tokens.waiting == {}
    assert isinstance(host.next(), TaskSubmitted)
    assert host.next() == TaskSucceeded(1, "early")


def test_a_submission_that_fails_is_told_as_such(host: Host) -> None:
    host.start(INVOKE + ".waitForTaskToken", {"FunctionName": "nope"}, token="t")
    told = host.next()
    assert isinstance(told, TaskFailed)
    assert told.stage == "SubmitFailed"
    assert host.tokens.waiting == {}


def test_after_a_crash_a_submitted_callback_is_only_waited_for(host: Host) -> None:
    host.start(INVOKE + ".waitForTaskToken", {"FunctionName": "f"}, token="t", submitted={"Payload": 1})
    host.tokens.waiting["t"].succeeded(2)
    assert host.next() == TaskSucceeded(1, 2)


def test_nothing_is_told_after_cancelling(host: Host) -> None:
    host.functions.code["f"] = lambda _: Invoked(b"1")
    work = host.start(ARN, {})
    work.cancel()
    host.functions.code["g"] = lambda _: Invoked(b"2")
    told = host.run(ARN[:-1] + "g", {})
    assert told == TaskSucceeded(2, 2)
    host.idle()
    assert host.told == []


@pytest.mark.parametrize("payload", ["text", "", [1, "a"], {"k": None}])
def test_a_payload_is_sent_as_its_json(host: Host, payload: object) -> None:
    host.functions.code["f"] = Invoked
    told = host.run(INVOKE, {"FunctionName": "f", "Payload": payload})
    assert isinstance(told, TaskSucceeded)
    assert told.output["Payload"] == payload


@pytest.mark.parametrize("text", ['{"a": 1}', "[1]", "0", '"word"', "null"])
def test_a_text_that_is_json_is_sent_as_that_json(host: Host, text: str) -> None:
    host.functions.code["f"] = Invoked
    told = host.run(INVOKE, {"FunctionName": "f", "Payload": text})
    assert isinstance(told, TaskSucceeded)
    assert told.output["Payload"] == json.loads(text)


@pytest.mark.parametrize("payload", [0, 1.5, True, None])
def test_a_payload_that_is_no_text_and_no_structure_is_refused(host: Host, payload: object) -> None:
    host.functions.code["f"] = Invoked
    told = host.run(INVOKE, {"FunctionName": "f", "Payload": payload})
    assert isinstance(told, TaskFailed)
    assert (told.error, told.stage) == ("States.Runtime", "Runtime")
    assert (told.cause or "").endswith("Task: [The value for the field 'Payload' must be a STRING]")


def test_invoke_writes_a_functions_error_anew_and_by_arn_it_stays_as_it_came(host: Host) -> None:
    host.functions.code["f"] = lambda _: Invoked(b'{"errorMessage": "no", "errorType": "Refused"}', "Unhandled")
    by_arn, by_name = host.run(ARN, {}), host.run(INVOKE, {"FunctionName": "f"})
    assert isinstance(by_arn, TaskFailed)
    assert isinstance(by_name, TaskFailed)
    assert by_arn.cause == '{"errorMessage": "no", "errorType": "Refused"}'
    assert by_name.cause == '{"errorMessage":"no","errorType":"Refused"}'


def test_a_fault_of_ours_is_told_without_the_exceptions_name(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: bytes) -> Invoked:
        raise ZeroDivisionError("secret detail")

    host.functions.code["f"] = broken
    assert host.run(ARN, {}) == TaskFailed(1, "States.TaskFailed", OWN_FAULT)
    assert "ZeroDivisionError: secret detail" in caplog.text


def test_without_a_payload_the_function_gets_an_object(host: Host) -> None:
    host.functions.code["f"] = Invoked
    told = host.run(INVOKE, {"FunctionName": "f"})
    assert isinstance(told, TaskSucceeded)
    assert told.output["Payload"] == {}


def test_a_client_context_reaches_the_function(host: Host) -> None:
    host.functions.code["f"] = Invoked
    context = base64.b64encode(b'{"custom": {"k": "v"}}').decode()
    host.run(INVOKE, {"FunctionName": "f", "ClientContext": context})
    assert host.functions.contexts == [{"custom": {"k": "v"}}]


def test_a_client_context_that_is_no_base64_of_an_object_is_lambdas_own_error(host: Host) -> None:
    told = host.run(INVOKE, {"FunctionName": "f", "ClientContext": {"custom": {}}})
    assert isinstance(told, TaskFailed)
    assert told.error == "Lambda.InvalidRequestContentException"
    assert (told.cause or "").startswith("Client context must be a valid Base64-encoded JSON object.")
