"""Lists and histories, page by page: their order, their filters, their tokens."""

from typing import Any

from tests.service.world import ARN, FAIL, WAIT, World, refusal

VALIDATION = "ValidationException"
LOST = FAIL["States"]


def test_pages_go_on_after_a_restart_and_a_foreign_token_is_refused(tmp_path: Any) -> None:
    world = World(tmp_path / "state")
    machine = world.machine()
    started = [world.start(machine, name=f"e{n}") for n in range(5)]
    first = world.call("ListExecutions", stateMachineArn=machine, maxResults=2)
    world.restart()
    second = world.call("ListExecutions", stateMachineArn=machine, maxResults=1000, nextToken=first["nextToken"])
    assert [e["executionArn"] for e in first["executions"] + second["executions"]] == started[::-1]
    assert "nextToken" not in second
    told = {"stateMachineArn": machine, "statusFilter": "FAILED", "nextToken": first["nextToken"]}
    assert refusal(world, "ListExecutions", **told) == "InvalidToken: Invalid Token: 'Invalid token'"
    world.advance(24 * 3600 + 1)
    assert refusal(world, "ListExecutions", stateMachineArn=machine, nextToken=first["nextToken"]).startswith(
        "InvalidTo"
    )
    world.close()


def test_no_results_asked_for_means_a_hundred(world: World) -> None:
    for number in range(101):
        world.call("CreateActivity", name=f"a{number}")
    page = world.call("ListActivities", maxResults=0)
    assert len(page["activities"]) == 100
    assert len(world.call("ListActivities", nextToken=page["nextToken"])["activities"]) == 1


def test_executions_pending_redrive_are_a_map_runs(world: World) -> None:
    machine = world.machine()
    told = refusal(world, "ListExecutions", stateMachineArn=machine, statusFilter="PENDING_REDRIVE")
    assert told.startswith(f"{VALIDATION}: ")


def test_executions_are_listed_by_what_they_were_started_with(world: World) -> None:
    machine = world.machine(publish=True)
    routes = [{"stateMachineVersionArn": f"{machine}:1", "weight": 100}]
    alias = world.call("CreateStateMachineAlias", name="live", routingConfiguration=routes)["stateMachineAliasArn"]
    plain, versioned, aliased = (world.start(arn) for arn in (machine, f"{machine}:1", alias))

    def listed(arn: str) -> list[str]:
        return [e["executionArn"] for e in world.call("ListExecutions", stateMachineArn=arn)["executions"]]

    assert listed(machine) == [aliased, versioned, plain]
    assert listed(f"{machine}:1") == [aliased, versioned]
    assert listed(alias) == [aliased]
    told = world.describe(aliased)
    assert (told["stateMachineVersionArn"], told["stateMachineAliasArn"]) == (f"{machine}:1", alias)
    assert "stateMachineVersionArn" not in world.describe(plain)


def test_executions_are_listed_by_what_happened_to_them_last(world: World) -> None:
    """Running executions are sorted by their start or redrive, ended ones by their end; also page by page."""
    machine = world.machine(
        {"StartAt": "W", "States": {"W": {"Type": "Wait", "SecondsPath": "$", "Next": "F"}, **LOST}}
    )
    for name, seconds in (("long", 50), ("short", 10), ("middle", 30)):
        world.start(machine, name=name, input=str(seconds))
        world.advance(1)

    def listed(**told: Any) -> list[str]:
        page = world.call("ListExecutions", stateMachineArn=machine, **told)
        more = listed(**told | {"nextToken": page["nextToken"]}) if "nextToken" in page else []
        return [execution["name"] for execution in page["executions"]] + more

    assert listed() == listed(maxResults=1) == ["middle", "short", "long"]
    world.advance(60)
    assert listed() == listed(maxResults=1) == listed(statusFilter="FAILED") == ["long", "middle", "short"]
    world.call("RedriveExecution", executionArn=f"{ARN}:execution:m:short")
    world.settle()
    assert listed() == ["short", "long", "middle"]
    assert listed(redriveFilter="REDRIVEN") == ["short"]
    assert listed(redriveFilter="NOT_REDRIVEN", maxResults=1) == ["long", "middle"]


def test_a_history_is_paged_from_either_end_and_still_grows_between_pages(world: World) -> None:
    execution = world.start(world.machine(WAIT))

    def page(**told: Any) -> tuple[list[int], str | None]:
        answer = world.call("GetExecutionHistory", executionArn=execution, maxResults=1, **told)
        return [event["id"] for event in answer["events"]], answer.get("nextToken")

    numbers, token = page()
    assert (numbers, token is not None) == ([1], True)
    last, back = page(reverseOrder=True)
    world.advance(61)
    assert page(nextToken=token)[0] == [2]
    assert (last, page(reverseOrder=True, nextToken=back)) == ([2], ([1], None))
    assert page(reverseOrder=True)[0] == [4]
    told = {"executionArn": execution, "reverseOrder": True, "nextToken": token}
    assert refusal(world, "GetExecutionHistory", **told) == "InvalidToken: Invalid Token: 'Invalid token'"
