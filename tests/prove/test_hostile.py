"""Handlers that end or harm their process, worlds that are not the file's, inputs that a saga does not take: a proof
says that it is none."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sfn_emulator.command.prove import command
from sfn_emulator.prove.claims import Claims, claims
from sfn_emulator.prove.executed.search import prove_executed
from sfn_emulator.prove.invariants import InvariantError, always, at_the_end, invariants_of
from sfn_emulator.prove.machine import UnprovableError, read_source
from sfn_emulator.prove.proof import Wanted, prove, world_of
from sfn_emulator.prove.report.histories import write_history
from sfn_emulator.prove.report.written import write_tests
from tests.prove.worlds import EXAMPLE, ROOT

ACCOUNT = "123456789012"
TAKE = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:take"
GIVE = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:give"
MACHINE: dict[str, Any] = {
    "StartAt": "Take",
    "States": {
        "Take": {
            "Type": "Task",
            "Resource": TAKE,
            "ResultPath": None,
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Give"}],
            "Next": "Taken",
        },
        "Taken": {"Type": "Succeed"},
        "Give": {"Type": "Task", "Resource": GIVE, "ResultPath": None, "Next": "Undone"},
        "Undone": {"Type": "Fail", "Error": "Undone"},
    },
}
HANDLERS = """
import os, signal

def take(event, context):
    {take}

def give(event, context):
    {give}
"""
CLAIMS = claims(undo={"Take": "Give"}, repeatable=["Take"], inputs=[{"n": 1, "m": 2}])


def shop(
    client: Callable[[str], Any], take: str = "return {}", give: str = "return {}", machine: dict[str, Any] = MACHINE
) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("shop.py", HANDLERS.format(take=take, give=give))
    for name in ("take", "give"):
        client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=f"arn:aws:iam::{ACCOUNT}:role/shop",
            Handler=f"shop.{name}",
            Code={"ZipFile": archive.getvalue()},
        )
    client("stepfunctions").create_state_machine(
        name="shop", roleArn=f"arn:aws:iam::{ACCOUNT}:role/shop", definition=json.dumps(machine)
    )


def wanted(told: Claims = CLAIMS, invariants: Any = None, **handlers: Any) -> Wanted:
    return Wanted(told, partial(shop, **handlers), invariants, faults=1)


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    file = tmp_path / "shop.asl.json"
    file.write_text(json.dumps(MACHINE))
    return file


@pytest.mark.parametrize("harm", ["os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_run_that_ends_its_process_is_no_part_of_a_proof(harm: str, definition: Path) -> None:
    with pytest.raises(UnprovableError, match=r"broke off \(Take: .*\): its process ended without a report"):
        prove(read_source(definition), wanted(give=harm))


def test_a_definition_that_setup_did_not_deploy_is_not_called_proved(definition: Path) -> None:
    other = json.loads(json.dumps(MACHINE))
    other["States"]["Take"]["Catch"][0]["ErrorEquals"] = ["Other"]
    with pytest.raises(
        UnprovableError,
        match=r"another definition than .*shop.asl.json: they differ at /States/Take/Catch/0/ErrorEquals/0",
    ):
        prove(read_source(definition), wanted(machine=other))


def test_placeholders_and_comments_make_no_other_definition(definition: Path) -> None:
    definition.write_text(json.dumps({**MACHINE, "Comment": "mine"}).replace(TAKE, "${TakeArn}"))
    assert prove(read_source(definition), wanted()).executed is not None


def test_a_saga_that_never_succeeds_proves_nothing(definition: Path) -> None:
    proof = prove(read_source(definition), wanted(take='raise KeyError("item")'))
    assert proof.status == 3
    assert proof.executed is not None
    assert proof.executed.never[0].startswith("the execution succeeds (without a fault it ended FAILED: Undone, given")


def test_an_input_is_made_smaller_by_members_that_change_nothing_on_the_way() -> None:
    @at_the_end
    def never(execution: Any) -> bool:
        return False

    saga = world_of(wanted(invariants=[never], take='return {"n": event["n"]}'))
    (found,) = prove_executed(saga, [{"n": 1, "m": 2}], 0).counterexamples
    assert found.given == {"n": 1}


def test_functions_print_nothing_in_hundreds_of_runs(definition: Path, capfd: pytest.CaptureFixture[str]) -> None:
    prove(read_source(definition), wanted(take='print("taking"); return {}'))
    assert "taking" not in "".join(capfd.readouterr())


def test_a_history_is_written_of_a_run_whose_task_had_no_answer(definition: Path, tmp_path: Path) -> None:
    @at_the_end
    def never(execution: Any) -> bool:
        return False

    source = read_source(definition)
    proof = prove(source, wanted(invariants=[never], take='raise KeyError("item")'))
    assert proof.executed is not None
    for found in proof.executed.counterexamples:
        assert json.loads(write_history(tmp_path, found.claim, source, found.tried.execution.events).read_text())


def test_a_mutant_is_not_caught_by_what_is_wrong_without_it() -> None:
    source = read_source(EXAMPLE / "order.asl.json")
    broken = claims(undo={"Reserve Item": "Return Item"}, undone=["Order Completed"])
    score = prove(source, Wanted(broken, None, mutants=True)).score
    assert score is not None and score.survived


def test_a_claim_that_is_always_asked_cannot_ask_for_the_end() -> None:
    @always
    def wrong(after: Any) -> None: ...

    with pytest.raises(InvariantError, match="nothing is known of 'after'; there are before, execution, faults, now"):
        invariants_of([wrong])


@pytest.mark.parametrize("option", [["--only", "before"], ["--invariants", "json"], ["--machine", "shop"]])
def test_what_needs_a_world_is_not_passed_over_where_there_is_none(option: list[str], definition: Path) -> None:
    result = CliRunner().invoke(command, [str(definition), *option])
    assert result.exit_code == 1
    assert "need a world: give --setup" in result.output


@pytest.mark.parametrize("option", ["--memory", "--write-tests", "--histories", "--junit"])
def test_a_place_that_cannot_be_written_is_told_before_the_proof(option: str, definition: Path) -> None:
    place = definition / "x.xml" if option == "--junit" else definition
    result = CliRunner().invoke(command, [str(definition), option, str(place)])
    assert result.exit_code != 0
    assert option in result.output and "static:" not in result.output


STOPPED = """
import os, signal


def make(client):
    print("setting up", flush=True)
    os.kill(os.getpid(), signal.{name})
    client("dynamodb").list_tables()
"""


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_who_stops_a_proof_is_told_that_there_is_none(name: str, status: int, definition: Path) -> None:
    folder = definition.parent
    (folder / "stopped.py").write_text(STOPPED.format(name=name))
    scratch = folder / "scratch"
    scratch.mkdir()
    run = [sys.executable, "-m", "sfn_emulator", "prove", str(definition), "--setup", "stopped:make", "--json"]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)}
    told = subprocess.run(run, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)
    assert told.returncode == status
    assert "sfn-emulator: stopped before its end: nothing is proved" in told.stderr
    assert told.stdout == ""
    assert not list(scratch.glob("sfn-prove-*"))


def test_a_definition_in_windows_1252_is_told_by_name(tmp_path: Path) -> None:
    file = tmp_path / "old.asl.json"
    file.write_bytes(json.dumps(MACHINE, ensure_ascii=False).replace("Undone", "D\xe9fait").encode("cp1252"))
    with pytest.raises(UnprovableError, match=r"old.asl.json: not UTF-8 \(byte \d+\); save it as UTF-8"):
        read_source(file)


WORLD = """
from tests.prove.test_hostile import shop as make
from sfn_emulator.prove.invariants import at_the_end


@at_the_end
def a_shop_stays_as_it_was(execution):
    assert not execution.visited("Give")
"""


def test_written_tests_fail_from_wherever_they_are_run(definition: Path, tmp_path: Path) -> None:
    """The setup and the invariants that the command line named are in them."""
    (tmp_path / "world.py").write_text(WORLD)
    asked = Wanted(claims(here=tmp_path, inputs=[{}]), "world:make", "world", faults=1)
    path = write_tests(tmp_path / "found", prove(read_source(definition), asked), None, asked)
    assert path is not None
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(path)]
    surroundings = {**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    told = subprocess.run(run, cwd="/", env=surroundings, capture_output=True, text=True, check=False)
    assert told.returncode == 1, told.stdout + told.stderr
    assert "a_shop_stays_as_it_was: assert" in told.stdout
