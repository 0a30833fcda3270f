"""The commands around an order: servers, deployments, functions, help, and what is refused."""

import json
import re
import socket
import sys
import tomllib
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import packages_distributions
from threading import Thread

import pytest
from click import Context

import cli
from terminal.environment import NEEDED
from terminal.errors import TerminalError
from terminal.report import show
from terminal.server import background
from tests.cli.terminal import CONFIG, ROOT, Terminal, complaint, on_a_terminal


def test_validate_finds_nothing_wrong_with_what_we_ship(fresh):
    ran = fresh.run("validate")
    assert (ran.status, ran.out) == (0, "no problems\n")
    assert not fresh.directory.exists()


def test_validate_tells_file_line_and_column_of_every_problem(fresh, tmp_path):
    definition = tmp_path / "bad.asl.json"
    definition.write_text('{\n  "StartAt": "A",\n  "States": {\n    "A": {"Type": "Pass", "Next": "B"}\n  }\n}\n')
    order = tmp_path / "order.json"
    order.write_text(
        '{\n  "ItemId": "ITEM001",\n  "CustomerId": "c",\n  "MessageId": "m",\n  "FailAtStage": "Lunch"\n}\n'
    )
    broken = tmp_path / "broken.json"
    broken.write_text('{\n  "ItemId": \n}')
    ran = fresh.here("validate", str(definition), "--input", str(order), "--input", str(broken))
    assert ran.status == 1
    lines = ran.out.splitlines()
    assert lines[0].startswith(f"{definition}:4:")
    assert any(line.startswith(f"{order}:5:3: FailAtStage: 'Lunch' is not one of") for line in lines)
    assert any(line.startswith(f"{broken}:3:") for line in lines)


def test_a_server_is_started_found_and_stopped(fresh, elsewhere):
    up = fresh.run("up", "--port", "0", "--json").json
    again = fresh.run("up", "--json").json
    assert again == up
    status = fresh.run("status", "--json").json
    assert (status["running"], status["url"]) == (True, up["url"])
    assert fresh.run("down").out == f"stopped the server at {up['url']}\n"
    assert fresh.here("down").out == "no server of this directory is running\n"
    assert fresh.here("status", "--json", *elsewhere).json["running"] is False


def test_nobody_else_may_read_what_a_server_of_ours_keeps(terminal):
    """The code of functions lies in a directory that is closed as a whole."""
    place = terminal.directory
    kept = [path for path in (place, *place.rglob("*")) if place / "code" not in path.parents]
    assert place / "server.log" in kept
    assert [path for path in kept if path.stat().st_mode & 0o077] == []


def test_a_link_that_a_checkout_brings_is_not_written_through(tmp_path):
    (tmp_path / "ours").write_text("kept")
    log = tmp_path / "state" / "server.log"
    log.parent.mkdir(mode=0o700)
    log.symlink_to(tmp_path / "ours")
    with pytest.raises(TerminalError, match="the server did not start"):
        background.start(log.parent, "--no-such-option")
    assert (tmp_path / "ours").read_text() == "kept"
    assert "--no-such-option" in log.read_text()


def test_a_busy_port_is_named(fresh):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert port in complaint(fresh.run("up", "--port", port))


def test_a_state_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    text = complaint(Terminal(tmp_path / "file" / "state").run("up", "--port", "0"))
    assert f"{tmp_path}/file/state: cannot be written" in text


def test_deploying_again_has_nothing_to_do(terminal):
    ran = terminal.run("deploy", "--json")
    assert ran.json == {"target": "embedded", "changes": [], "diff": "", "applied": True, "unwanted": []}
    assert terminal.here("deploy").out == f"nothing to do; POST to {terminal.here('status', '--json').json['api']}\n"


def test_a_plan_shows_the_difference_and_changes_nothing(terminal, tmp_path):
    changed = tmp_path / "config.yaml"
    changed.write_text((ROOT / "deploy/config.yaml").read_text().replace("wait_seconds: 30", "wait_seconds: 5"))
    for run in (terminal.run, terminal.here):
        ran = run("deploy", "--plan", "--config", str(changed))
        assert ran.status == 0
        assert '-      "Seconds": 30,' in ran.out
        assert '+      "Seconds": 5,' in ran.out


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["start", "--item", "NOPE"], "there is no item NOPE in the Inventory table; there are ITEM001"),
        (["start", "--via", "api", "--item", "NOPE"], "there is no item NOPE"),
        (["start", "--fail-at", "Lunch"], "'Lunch' is not one of 'None', 'PlaceOrder'"),
        (["start", "--fail-mode", "never"], "'never' is not one of 'status'"),
        (["start", "--quantity", "0"], "order: Quantity: 0 is less than the minimum of 1"),
        (["start", "--message-id", "a b"], "order: MessageId: 'a b' does not match"),
        (["start", "--input", "/none.json"], "/none.json: cannot be read"),
        (["history", "nothing"], "see 'python cli.py executions'"),
        (["invoke", "Nobody", "statemachine/inputs/success.json"], "Function not found"),
        (["deploy", "--target", "mars"], "'mars' is not one of 'embedded', 'localstack', 'aws'"),
        (["tables", "--target", "localstack", "--endpoint", "http://localhost:9"], "docker compose up -d"),
        (["tables", "--endpoint", "http://127.0.0.1:9"], "start it with 'python cli.py up'"),
        (["up", "--target", "aws"], "No such option '--target'"),
        (["demo", "--target", "aws"], "No such option '--target'"),
        (["start", "--input", "statemachine/inputs/success.json", "--item", "ITEM002"], "leave ItemId to it"),
        (["up", "--time", "60"], "which --time 60 would not change; stop it first"),
        (["up", "--in-memory"], "which --in-memory would not change"),
        (["up", "--port", "1"], "which --port 1 would not change"),
        (["start", "--target", "localstack", "--time", "skip"], "time can't be skipped on localstack"),
        (["invoke", "Nobody"], "there is no function Nobody; deploy/config.yaml has PlaceOrderLambda"),
        (["tables", "--endpoint", "nonsense"], "'nonsense' is not an address like http://127.0.0.1:8083"),
        (["start", "--quantity", "x"], "see 'python cli.py start --help'"),
        (["history", "arn:aws:states:x"], "give the name that 'python cli.py executions' shows"),
        (["prove", "--nope"], "No such option '--nope'; see 'python cli.py prove --help'"),
        (["prove", "--saga", "/none"], "/none: No such file or directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_changes_nothing(terminal, arguments, wrong):
    before = terminal.held()
    assert wrong in complaint(terminal.here(*arguments))
    assert terminal.held() == before


def test_malformed_and_oversized_input_files_are_refused(terminal, tmp_path):
    malformed, oversized = tmp_path / "malformed.json", tmp_path / "oversized.json"
    malformed.write_text('{"ItemId": "ITEM001",}')
    oversized.write_text(json.dumps({"CustomerId": "x" * 300_000}))
    assert f"{malformed}:1:" in complaint(terminal.here("start", "--input", str(malformed)))
    assert "more than an input's limit of 262144" in complaint(terminal.here("start", "--input", str(oversized)))


def test_one_function_can_be_called_with_an_event_from_a_file(terminal, tmp_path):
    event = tmp_path / "event.json"
    request = {"ItemId": "ITEM001", "CustomerId": "c", "MessageId": "m", "FailAtStage": "None"}
    event.write_text(json.dumps({"OrderId": "alone", "Saga": "s", "Request": request}))
    assert terminal.run("invoke", "PlaceOrderLambda", str(event), "--json").json["payload"]["Status"] == "ORDER_PLACED"
    event.write_text("{}")
    ran = terminal.here("invoke", "PlaceOrderLambda", str(event))
    assert ran.status == 1
    assert json.loads(ran.out)["errorType"] == "KeyError"


def test_aws_is_asked_about_before_anything_is_made_there(terminal, tmp_path):
    url = terminal.here("status", "--json").json["url"]
    changed = tmp_path / "config.yaml"
    changed.write_text((ROOT / "deploy/config.yaml").read_text().replace("topic: Order", "topic: Other"))
    aws = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    aws["AWS_DEFAULT_REGION"] = "us-east-1"
    arguments = ["deploy", "--target", "aws", "--config", str(changed)]
    ran = terminal.run(*arguments, stdin="n\n", **aws)
    assert ran.status == 1
    assert "AWS account 123456789012, region us-east-1" in ran.error
    assert "stopped" in ran.error
    assert terminal.here("deploy", "--json").json["changes"] == []


def test_a_function_is_called_with_an_example_and_shows_its_log(terminal):
    for function in CONFIG.functions:
        ran = terminal.here("invoke", function)
        assert ran.status == 0, ran.out
        assert ran.out.startswith('event: {"')
        assert "REPORT RequestId" in ran.error
    assert terminal.here("invoke", "PlaceOrderLambda", "--json").json["payload"]["Status"] == "ORDER_PLACED"


def test_status_tells_words_and_where_to_post(terminal):
    out = terminal.here("status").out
    assert "state machines: 1" in out
    assert not set("[]{}") & set(out.replace("[prod]", ""))
    assert "POST orders to http://" in out


WITHOUT_A_SERVER = (
    ["tables"],
    ["executions"],
    ["history", "x"],
    ["deploy", "--plan"],
    ["start"],
    ["start", "--no-wait"],
    ["stop", "x"],
    ["invoke", "PlaceOrderLambda"],
    ["destroy"],
)


@pytest.mark.parametrize("command", WITHOUT_A_SERVER, ids=" ".join)
def test_only_a_command_that_deploys_starts_a_server(fresh, elsewhere, command):
    assert "is running; 'python cli.py up' starts one, 'python cli.py deploy' starts" in complaint(
        fresh.here(*command, *elsewhere)
    )
    assert not fresh.directory.exists()


def test_resources_of_an_older_configuration_are_named_and_removed(terminal, tmp_path):
    named = (ROOT / "deploy/config.yaml").read_text()
    older = tmp_path / "older.yaml"
    older.write_text(named.replace("tables:\n", "tables:\n  Forgotten: {key: [OrderId]}\n", 1))
    assert terminal.here("deploy", "--config", str(older)).status == 0
    told = terminal.here("deploy", "--plan")
    assert "no longer wanted: Forgotten (table); --prune removes it" in told.out
    assert terminal.here("deploy", "--prune", "--json").json["changes"] == ["delete table Forgotten"]
    assert terminal.here("deploy", "--plan", "--json").json["unwanted"] == []


@pytest.mark.parametrize(
    "command", [["tables"], ["status"], ["executions"], ["start"], ["--help"], ["start", "--help"]]
)
def test_nothing_is_cut_off_at_80_columns(terminal, command):
    """On a terminal 80 columns wide, what can't stand side by side stands one below the other."""
    told = on_a_terminal([sys.executable, str(ROOT / "cli.py"), *command], terminal.environment)
    assert max(len(line) for line in told) <= 80
    if command == ["start"]:
        assert any("+ Quantity=1, OrderStatus=PAID" in line for line in told)


def test_every_table_is_named_also_one_without_a_row_or_with_narrow_ones(capsys):
    show.told(show.contents({"Orders": {}, "Reservations": {"1": {"Id": "1"}}}))
    assert capsys.readouterr().out.rstrip().splitlines() == ["Orders (0)", "", "Reservations (1)", "Id", "1"]


def test_another_program_is_not_taken_for_aws(terminal):
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        ran = terminal.run("deploy", "--endpoint", f"http://127.0.0.1:{other.server_port}")
        other.shutdown()
    assert "another program answers there, not an AWS service" in complaint(ran)


def test_a_server_that_somebody_else_started_is_not_taken_for_ours(terminal, fresh, tmp_path):
    port = terminal.here("status", "--json").json["url"].rpartition(":")[2]
    config_file = tmp_path / "config.yaml"
    config_file.write_text((ROOT / "deploy/config.yaml").read_text().replace("8083", port))
    here = ["--config", str(config_file)]
    refused = complaint(fresh.here("up", *here))
    assert f"was started elsewhere and keeps its state in {terminal.directory}; stop it there, or take" in refused
    assert f"was started elsewhere; it keeps its state in {terminal.directory}" in fresh.here("tables", *here).error
    ours = fresh.run("up", "--port", "0", "--in-memory", "--json", *here).json["url"]
    assert fresh.here("status", "--json", *here).json["url"] == ours != f"http://127.0.0.1:{port}"


def test_help_tells_each_command_whole_at_80_columns(fresh):
    told = fresh.run("--help", COLUMNS="80").out
    assert "..." not in told.partition("Commands:")[2]
    assert "Run a saga that succeeds and one that is undone" in " ".join(told.split())


@pytest.mark.parametrize("command", cli.cli.commands.values(), ids=lambda command: command.name)
def test_help_writes_every_default_in_one_way(command):
    told = " ".join(command.get_help(Context(command)).split())
    assert "[default" not in told
    assert "(default" not in told


def test_every_dependency_is_looked_for_before_anything_is_imported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.match(r"[\w-]+", dependency)[0] for dependency in project["dependencies"]}
    found = {distribution.lower() for name in NEEDED for distribution in packages_distributions()[name]}
    assert {name.replace("_", "-") for name in found} == wanted


def test_without_a_command_the_help_is_shown(fresh):
    ran = fresh.run()
    assert ran.status == 1
    assert "Commands:" in ran.error


def test_before_deploy_and_after_destroy_there_is_nothing_and_every_command_says_how_to_mend_it(fresh):
    fresh.run("up", "--port", "0", "--in-memory")
    for command in (["start"], ["tables"], ["executions"]):
        assert "run 'python cli.py deploy'" in complaint(fresh.here(*command))
    assert fresh.run("deploy").status == 0
    assert fresh.run("destroy", "--json").json["changes"]
    assert fresh.here("destroy").out == "nothing to remove\n"
    assert "is the saga deployed?" in complaint(fresh.run("tables"))


def test_the_demo_shows_both_ways_and_leaves_nothing_behind(fresh, tmp_path):
    place = tmp_path / "temporary"
    place.mkdir()
    ran = fresh.run("demo", TMPDIR=str(place))
    assert ran.status == 0, ran.error
    assert "SUCCEEDED" in ran.out
    assert "FAILED: OrderCompensated" in ran.out
    assert "at the wait" in ran.out
    assert ran.out.endswith("Every table is back where it was.\n")
    assert list(place.iterdir()) == []
    assert not fresh.directory.exists()
