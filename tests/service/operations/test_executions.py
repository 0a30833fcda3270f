"""Start, stop, describe, list, history, redrive: the rules of executions."""

import pytest

from tests.service.world import ARN, CALLBACK, FAIL, PASS, WAIT, Refused, World, task


def test_an_execution_that_has_ended_tells_its_output_and_that_it_cannot_be_redriven(world: World) -> None:
    execution = world.start(world.machine(), name="e", input='{"a": 1}')
    told = world.describe(execution)
    assert (told["status"], told["input"], told["output"]) == ("SUCCEEDED", '{"a": 1}', '{"a":1}')
    assert (told["redriveStatus"], told["redriveCount"]) == ("NOT_REDRIVABLE", 0)
    assert told["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"


def test_a_start_is_idempotent_only_while_it_runs_and_for_the_same_input(world: World) -> None:
    machine = world.machine(WAIT)
    first = world.call("StartExecution", stateMachineArn=machine, name="e", input="{}")
    world.advance(1)
    assert world.call("StartExecution", stateMachineArn=machine, name="e", input="{}") == first
    with pytest.raises(Refused, match=f"Execution Already Exists: '{ARN}:execution:m:e'"):
        world.start(machine, name="e", input="[]")
    world.advance(60)
    assert world.status(first["executionArn"]) == "SUCCEEDED"
    with pytest.raises(Refused, match="ExecutionAlreadyExists"):
        world.start(machine, name="e", input="{}")


def test_input_that_is_not_json_is_refused_in_the_words_of_awss_parser(world: World) -> None:
    machine = world.machine()
    with pytest.raises(Refused, match=r"InvalidExecutionInput: .*Unrecognized token 'no'"):
        world.start(machine, input="no")


@pytest.mark.parametrize("name", ["a b", "a/b", "a:b", "a,b", "é|", "a\u0007", "x" * 81])
def test_names_with_forbidden_characters_are_refused(world: World, name: str) -> None:
    machine = world.machine()
    with pytest.raises(Refused, match=r"InvalidName|ValidationException"):
        world.start(machine, name=name)


def test_a_failed_execution_tells_error_and_cause_and_can_be_redriven(world: World) -> None:
    told = world.describe(world.start(world.machine(FAIL)))
    assert (told["status"], told["error"], told["cause"]) == ("FAILED", "Broken", "on purpose")
    assert told["redriveStatus"] == "REDRIVABLE"
    assert "redriveStatusReason" not in told
    assert "output" not in told


def test_stopping_aborts_and_stopping_again_tells_the_same_date(world: World) -> None:
    execution = world.start(world.machine(CALLBACK))
    stopped = world.call("StopExecution", executionArn=execution, error="E", cause="c")
    told = world.describe(execution)
    assert (told["status"], told["error"], told["cause"]) == ("ABORTED", "E", "c")
    assert told["stopDate"] == stopped["stopDate"]
    assert world.hands.attempts[0].cancelled
    world.advance(5)
    assert world.call("StopExecution", executionArn=execution) == stopped


def test_stopping_without_a_reason_leaves_the_details_empty(world: World) -> None:
    execution = world.start(world.machine(WAIT))
    world.call("StopExecution", executionArn=execution)
    last = world.call("GetExecutionHistory", executionArn=execution, reverseOrder=True, maxResults=1)["events"][0]
    assert (last["type"], last["executionAbortedEventDetails"]) == ("ExecutionAborted", {})
    assert not {"error", "cause"} & world.describe(execution).keys()


def test_history_pages_are_the_same_events_in_either_direction(world: World) -> None:
    execution = world.start(world.machine())
    whole = world.call("GetExecutionHistory", executionArn=execution)["events"]
    assert [event["id"] for event in whole] == [1, 2, 3, 4]
    for backwards in (False, True):
        found, token = [], {}
        for _ in range(4):
            page = world.call(
                "GetExecutionHistory", executionArn=execution, maxResults=3, reverseOrder=backwards, **token
            )
            found += page["events"]
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
        assert found == (whole[::-1] if backwards else whole)


def test_history_without_execution_data_has_no_inputs_and_outputs(world: World) -> None:
    execution = world.start(world.machine(), input='{"secret":1}')
    events = world.call("GetExecutionHistory", executionArn=execution, includeExecutionData=False)["events"]
    assert "secret" not in str(events)
    assert events[1]["stateEnteredEventDetails"] == {"name": "A"}


def test_the_first_two_events_echo_the_input_as_it_was_given(world: World) -> None:
    execution = world.start(world.machine(), input='[1,  "two"]')
    one, two, three, _ = world.call("GetExecutionHistory", executionArn=execution)["events"]
    assert one["executionStartedEventDetails"]["input"] == '[1,  "two"]'
    assert two["stateEnteredEventDetails"]["input"] == '[1,  "two"]'
    assert three["stateExitedEventDetails"]["output"] == '[1,"two"]'


def test_the_history_of_a_running_execution_is_there_before_it_ends(world: World) -> None:
    execution = world.start(world.machine(WAIT))
    assert world.types(execution) == ["ExecutionStarted", "WaitStateEntered"]
    assert world.describe(execution)["redriveStatusReason"] == "Execution is RUNNING and cannot be redriven"


def test_executions_are_listed_newest_first_by_status_and_page(world: World) -> None:
    quick, slow = world.machine(), world.machine(WAIT, "slow")
    arns = [world.start(quick, name=f"e{n}") for n in range(5)]
    world.start(slow)
    page = world.call("ListExecutions", stateMachineArn=quick, maxResults=3)
    rest = world.call("ListExecutions", stateMachineArn=quick, maxResults=3, nextToken=page["nextToken"])
    assert [one["executionArn"] for one in page["executions"] + rest["executions"]] == arns[::-1]
    assert "nextToken" not in rest
    assert len(world.call("ListExecutions", stateMachineArn=quick, statusFilter="SUCCEEDED")["executions"]) == 5
    assert world.call("ListExecutions", stateMachineArn=quick, statusFilter="RUNNING")["executions"] == []
    assert len(world.call("ListExecutions", stateMachineArn=slow, statusFilter="RUNNING")["executions"]) == 1


def test_a_page_token_is_good_for_its_own_list_and_for_a_day(world: World) -> None:
    machine, other = world.machine(), world.machine(name="other")
    for n in range(3):
        world.start(machine, name=f"e{n}")
    token = world.call("ListExecutions", stateMachineArn=machine, maxResults=1)["nextToken"]
    for told in ({"stateMachineArn": other}, {"stateMachineArn": machine, "statusFilter": "FAILED"}):
        with pytest.raises(Refused, match="InvalidToken: Invalid Token: 'Invalid token'"):
            world.call("ListExecutions", nextToken=token, **told)
    with pytest.raises(Refused, match="InvalidToken"):
        world.call("ListExecutions", stateMachineArn=machine, nextToken="made up")
    world.clock.advance(24 * 3600 + 1)
    with pytest.raises(Refused, match="expired"):
        world.call("ListExecutions", stateMachineArn=machine, nextToken=token)


def test_lists_want_a_machine_or_a_map_run_and_not_both(world: World) -> None:
    for told in ({}, {"stateMachineArn": "a", "mapRunArn": "b"}):
        with pytest.raises(Refused, match="ValidationException"):
            world.call("ListExecutions", **told)


def test_express_executions_are_neither_described_nor_listed(world: World) -> None:
    machine = world.machine(type="EXPRESS")
    execution = world.start(machine, name="e")
    assert execution.startswith(f"{ARN}:express:m:e:")
    for operation in ("DescribeExecution", "GetExecutionHistory"):
        with pytest.raises(Refused, match="Resource type not valid in this context: express"):
            world.call(operation, executionArn=execution)
    with pytest.raises(Refused, match="StateMachineTypeNotSupported"):
        world.call("ListExecutions", stateMachineArn=machine)


def test_a_synchronous_execution_answers_with_its_end_and_what_it_would_cost(world: World) -> None:
    machine = world.machine(task(), type="EXPRESS")
    pending = world.later("StartSyncExecution", stateMachineArn=machine, name="e", input='{"a":1}')
    world.advance(0.25)
    world.hands.attempts[0].succeeded({"done": True})
    told = world.loop.run_until_complete(pending)
    assert (told["status"], told["output"]) == ("SUCCEEDED", '{"done":true}')
    assert told["billingDetails"] == {"billedDurationInMilliseconds": 300, "billedMemoryUsedInMB": 64}
    with pytest.raises(Refused, match="This operation is not supported by this type of state machine"):
        world.call("StartSyncExecution", stateMachineArn=world.machine(PASS, "standard"))


def test_a_redrive_runs_what_failed_again_in_the_same_history(world: World) -> None:
    definition = {
        "StartAt": "A",
        "States": {"A": {"Type": "Pass", "Next": "T"}, "T": task()["States"]["T"]},
    }
    execution = world.start(world.machine(definition), input='{"a":1}')
    world.hands.attempts[0].failed("Broken", "first")
    world.settle()
    assert world.describe(execution)["redriveStatus"] == "REDRIVABLE"
    world.advance(10)
    redriven = world.call("RedriveExecution", executionArn=execution, clientToken="once")
    assert world.call("RedriveExecution", executionArn=execution, clientToken="once") == redriven
    with pytest.raises(Refused, match="ExecutionNotRedrivable: Execution is RUNNING and cannot be redriven"):
        world.call("RedriveExecution", executionArn=execution)
    assert world.hands.attempts[1].request.input == {"a": 1}
    world.hands.attempts[1].succeeded({"b": 2})
    world.settle()
    told = world.describe(execution)
    assert (told["status"], told["output"], told["redriveCount"]) == ("SUCCEEDED", '{"b":2}', 1)
    assert told["redriveDate"] == redriven["redriveDate"]
    types = world.types(execution)
    assert types.count("PassStateEntered") == 1
    assert types.index("ExecutionFailed") + 1 == types.index("ExecutionRedriven")
    assert types[-1] == "ExecutionSucceeded"
    listed = world.call("ListExecutions", stateMachineArn=f"{ARN}:stateMachine:m", redriveFilter="REDRIVEN")
    assert [one["executionArn"] for one in listed["executions"]] == [execution]


def test_two_weeks_after_its_end_an_execution_cannot_be_redriven(world: World) -> None:
    execution = world.start(world.machine(FAIL))
    world.clock.advance(14 * 24 * 3600 + 1)
    with pytest.raises(Refused, match="Execution redrivable period exceeded"):
        world.call("RedriveExecution", executionArn=execution)


def test_an_execution_keeps_the_definition_it_began_with(world: World) -> None:
    machine = world.machine(WAIT)
    execution = world.start(machine)
    world.call(
        "UpdateStateMachine", stateMachineArn=machine, definition='{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}'
    )
    assert "Wait" in world.call("DescribeStateMachineForExecution", executionArn=execution)["definition"]
    world.advance(60)
    assert world.types(execution)[-2:] == ["WaitStateExited", "ExecutionSucceeded"]


def test_metadata_only_leaves_the_data_out(world: World) -> None:
    execution = world.start(world.machine(), input='{"secret":1}')
    told = world.call("DescribeExecution", executionArn=execution, includedData="METADATA_ONLY")
    assert not {"input", "output"} & told.keys()
    assert told["inputDetails"] == {"included": False}


def test_in_skipped_time_waiting_takes_none_and_history_still_tells_it() -> None:
    world = World(skip_time=True)
    execution = world.start(world.machine(WAIT))
    world.until(lambda: world.status(execution) == "SUCCEEDED")
    told = world.describe(execution)
    assert told["stopDate"] - told["startDate"] == 60
    world.close()


def test_an_express_execution_that_loops_without_end_is_timed_out(world: World) -> None:
    endless = {
        "StartAt": "Again",
        "States": {
            "Again": {"Type": "Pass", "Next": "Enough?"},
            "Enough?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.x", "IsPresent": True, "Next": "Done"}],
                "Default": "Again",
            },
            "Done": {"Type": "Succeed"},
        },
    }
    machine = world.machine(endless, type="EXPRESS")
    assert world.call("StartSyncExecution", stateMachineArn=machine)["status"] == "TIMED_OUT"
