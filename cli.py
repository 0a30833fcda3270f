"""The saga's command line, and the only place where deploy and the emulator meet.

Exit status: 0 when what was asked happened, 1 for errors (one line on standard error), 2 when an execution ended other
than SUCCEEDED.
"""

import terminal.environment  # noqa: F401, I001 - first of all: finds the packages that the others need
import base64
import json
import os
import sys
import tempfile
import traceback
from dataclasses import replace
from pathlib import Path

import click
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from deploy import apply
from deploy.errors import DeployError
from deploy.existing.tagged import kind_of
from deploy.wanted import definition
from sfn_emulator import __version__
from sfn_emulator.command.help_page import HelpGroup
from terminal import demonstration, inputs, loop, orders, outcomes, refusals, saga_run, validation
from terminal.errors import TerminalError
from terminal.report import show, steps
from terminal.server import background, standing
from terminal.session import SERVER, Session, command

ENDED_OTHERWISE = 2
MOST = 1000
"""Executions that one call of ListExecutions tells of."""
MOMENT = "%Y-%m-%d %H:%M:%S"


@click.group(
    cls=HelpGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog="Exit status: 0 for success, 1 for an error, explained in one line, 2 when an execution ended other than "
    "SUCCEEDED.",
)
@click.version_option(__version__, "-V", "--version", prog_name="cli.py")
def cli() -> None:
    """An order as a saga on AWS Step Functions, on this machine, LocalStack or AWS."""


@command(cli, about=SERVER)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="The port to answer on; 0 picks a free one. Default: that of deploy/config.yaml.",
)
@click.option("--time", "time_mode", metavar="skip|real|FACTOR", help="How waits pass. Default: skip.")
@click.option("--in-memory", is_flag=True, help="Keep nothing when it stops.")
@click.option("--foreground", is_flag=True, help="Stay in the foreground, and show what the server says.")
def up(session: Session, port: int | None, time_mode: str | None, in_memory: bool, foreground: bool) -> None:
    """Start the embedded server."""
    found = standing.found(session.directory, session.default_url, port)
    if found is not None:
        standing.check(found, port, time_mode, in_memory, foreground)
        session.say(f"a server answers already at {found.url}")
        session.answer({"url": found.url, "pid": found.pid})
        return
    port = int(session.default_url.rpartition(":")[2]) if port is None else port
    time_mode = time_mode or "skip"
    more = ["--in-memory"] if in_memory else []
    if foreground:
        arguments = ["--port", str(port), "--state-dir", str(session.directory), "--time", time_mode, *more]
        os.execv(sys.executable, [sys.executable, "-m", background.MODULE, *arguments])
    found = session.start_server(port, time_mode, *more)
    session.say(f"the server answers at {found.url}")
    session.answer({"url": found.url, "pid": found.pid})


@command(cli, about=SERVER)
def down(session: Session) -> None:
    """Stop the embedded server; its state is kept."""
    stopped = background.stop(session.directory)
    session.say(f"stopped the server at {stopped.url}" if stopped else "no server of this directory is running")
    session.answer({"stopped": stopped.url if stopped else None})


@command(cli, about=SERVER)
def status(session: Session) -> None:
    """Show whether the embedded server runs, and what it holds."""
    found = background.find(session.directory, session.default_url)
    told = background.health(found.url) if found else None
    api = session.saga.api_url() if found else None
    if found is None:
        session.say("no server is running; 'python cli.py up' starts one")
    else:
        session.say(standing.words(found, told or {}))
        session.say(
            f"POST orders to {api}" if api else f"the saga is not deployed; {refusals.NOT_DEPLOYED.partition('? ')[2]}"
        )
    session.answer({"running": found is not None, "url": found.url if found else None, "api": api, "health": told})


@command(cli, starts=True)
@click.option("--plan", "only_plan", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--prune", is_flag=True, help="Remove resources of ours that are no longer wanted.")
@click.option("--yes", is_flag=True, help="Do not ask before changing anything on AWS.")
def deploy(session: Session, only_plan: bool, prune: bool, yes: bool) -> None:
    """Create or update everything the saga needs; running it again changes what differs."""
    if wrong := validation.first_error(definition.PATH):
        raise TerminalError(wrong)
    session = replace(session, starts=not only_plan)
    unwanted = session.saga.unwanted()
    plan = session.saga.plan(unwanted if prune else ())
    changes = list(apply.preview(plan))
    if only_plan and plan:
        session.say("\n".join(changes + ([plan.diff] if plan.diff else [])))
    for resource in () if prune else unwanted:
        session.say(f"no longer wanted: {resource.name} ({kind_of(resource)}); --prune removes it")
    if not plan:
        session.say(f"nothing to do; POST to {session.saga.api_url()}")
    elif not only_plan:
        _agreed(session, f"make {len(changes)} changes", yes)
        apply.apply(plan, session.target, lambda done: session.say(f"  {done}"))
        session.say(f"deployed: POST to {session.saga.api_url()}")
    told = {"target": session.name, "changes": changes, "diff": plan.diff, "applied": not only_plan}
    session.answer({**told, "unwanted": [resource.name for resource in unwanted]})


@command(cli, starts=True)
def dev(session: Session) -> None:
    """Deploy each saved change of handlers/, statemachine/ and deploy/config.yaml, until Ctrl-C."""
    from sfn_emulator.command.dev import changes

    loop.keep(session, changes(loop.PLACES), lambda: validation.first_error(definition.PATH))


@command(cli)
@click.option("--yes", is_flag=True, help="Do not ask before removing anything on AWS.")
def destroy(session: Session, yes: bool) -> None:
    """Remove everything deploy made, and nothing else."""
    teardown = session.saga.teardown()
    changes = list(apply.preview(teardown.plan))
    if teardown.plan:
        _agreed(session, f"remove {len(changes)} things", yes)
        apply.apply(teardown.plan, session.target, lambda done: session.say(f"  {done}"))
    else:
        session.say("nothing to remove")
    for name in teardown.left_alone:
        session.say(f"left alone, because it does not have our tag: {name}")
    session.answer({"target": session.name, "changes": changes, "leftAlone": teardown.left_alone})


def _agreed(session: Session, what: str, yes: bool) -> None:
    if session.name != "aws":
        return
    show.noted(f"AWS account {session.target.account}, region {session.target.region}")
    if not yes:
        click.confirm(f"{what} there?", abort=True, err=True)


@command(cli)
@click.option("--item", "ItemId", default="ITEM001", help="The item to order. Default: ITEM001.")
@click.option("--customer", "CustomerId", default="ABC/001", help="The customer. Default: ABC/001.")
@click.option("--quantity", "Quantity", type=int, help="The quantity. Default: 1.")
@click.option(
    "--fail-at",
    "FailAtStage",
    default="None",
    type=click.Choice(inputs.choices("FailAtStage")),
    metavar="STAGE",
    help=f"The step to fail on purpose: {', '.join(inputs.choices('FailAtStage'))}.",
)
@click.option(
    "--fail-mode",
    "FailMode",
    type=click.Choice(inputs.choices("FailMode")),
    help="How it fails: by its answer, before its commit, after it, or by no answer in time. Default: status.",
)
@click.option("--message-id", "MessageId", help="The order's id. Default: a new one.")
@click.option(
    "--input", "file", type=click.Path(path_type=Path), help="A file with the order, instead of the options above."
)
@click.option(
    "--via",
    type=click.Choice(["states", "api"]),
    default="states",
    help="How to start it. Default: states.",
)
@click.option(
    "--time",
    "time_mode",
    type=click.Choice(["skip", "real"]),
    help="Skip its waits, or let them take their time. Default: as the server does ('up --time'). Elsewhere: real.",
)
@click.option("--no-wait", is_flag=True, help="Start it, and do not follow it.")
def start(
    session: Session, file: Path | None, via: str, time_mode: str | None, no_wait: bool, **fields: str | int | None
) -> None:
    """Run a saga; show its states as they pass, what each wrote, and the tables before, between and after."""
    if time_mode is not None and session.name != "embedded":
        raise TerminalError(f"--time: time can't be skipped on {session.name}; leave it out")
    order = orders.order_of(file, fields)
    if no_wait:
        arn = orders.once_more(session, file, order, lambda order: saga_run.start(session, order, via, time_mode))
        session.say(arn)
        session.answer({"executionArn": arn})
        return
    outcome = orders.once_more(session, file, order, lambda order: saga_run.run(session, order, via, time_mode))
    outcomes.tell(session, outcome)
    if not outcome.succeeded:
        sys.exit(ENDED_OTHERWISE)


@command(cli)
@click.option("--limit", type=click.IntRange(1, MOST), default=20, help="How many. Default: 20.")
def executions(session: Session, limit: int) -> None:
    """List executions, the latest first: by their end, or by their start while they run.

    Times are those of each execution's own clock. It runs ahead of yours once waits were skipped.
    """
    arn = session.saga.machine.arn
    told = session.client("stepfunctions").list_executions(stateMachineArn=arn, maxResults=MOST)
    found = told["executions"][:limit]
    if found:
        session.say(f"{'status':<10} {'started':<19}  {'ended':<19}  name")
    for execution in found:
        ended = f"{execution['stopDate']:{MOMENT}}" if "stopDate" in execution else ""
        session.say(f"{execution['status']:<10} {execution['startDate']:{MOMENT}}  {ended:<19}  {execution['name']}")
    if not found:
        session.say("no executions yet; 'python cli.py start' makes one")
    elif len(found) < len(told["executions"]) or "nextToken" in told:
        count = f"more than {MOST}" if "nextToken" in told else len(told["executions"])
        session.say(f"{len(found)} of {count} executions{'; --limit N shows more' if limit < MOST else ''}")
    session.answer([{k: e.get(k) for k in ("name", "status", "executionArn", "startDate", "stopDate")} for e in found])


@command(cli)
@click.argument("execution")
def stop(session: Session, execution: str) -> None:
    """Stop an execution (its name or ARN) where it is; nothing is undone."""
    arn = _execution_arn(session, execution)
    client = session.client("stepfunctions")
    status = client.describe_execution(executionArn=arn)["status"]
    if status not in ("RUNNING", "PENDING_REDRIVE"):
        raise TerminalError(f"{execution} has ended already: {status}; 'python cli.py history {execution}' shows it")
    client.stop_execution(executionArn=arn, error="Stopped", cause="python cli.py stop")
    session.say(f"stopped {execution}; nothing was undone, see 'python cli.py tables'")
    session.answer({"executionArn": arn})


def _execution_arn(session: Session, execution: str) -> str:
    machine = session.saga.machine.arn.replace(":stateMachine:", ":execution:")
    return execution if execution.startswith("arn:") else f"{machine}:{execution}"


@command(cli)
@click.argument("execution")
@click.option("--events", is_flag=True, help="Show the events instead of the steps.")
def history(session: Session, execution: str, events: bool) -> None:
    """Show the steps of an execution (its name or ARN)."""
    arn = _execution_arn(session, execution)
    reader = steps.Steps(session.client("stepfunctions"))
    if events:
        found = reader.events(arn)
        session.say("\n".join(f"{e['id']:>5} {e['timestamp']:%H:%M:%S.%f} {e['type']}" for e in found))
        session.answer(found)
        return
    told = reader.read(arn)
    session.say_lines(reader.lines(told, told.on(0)))
    session.say(steps.ending(told))
    session.answer({"status": told.status, "steps": [steps.row(told, visit) for visit in told.visits]})


@command(cli)
def tables(session: Session) -> None:
    """Show every row of the saga's tables."""
    snapshot = session.tables()
    session.say(show.contents(snapshot))
    session.answer(snapshot)


@command(cli, about=("json",))
@click.argument("file", type=click.Path(path_type=Path), default=definition.PATH)
@click.option(
    "--input",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A file with an input; may be repeated. Default: all of statemachine/inputs/.",
)
def validate(session: Session, file: Path, files: tuple[Path, ...]) -> None:
    """Check a definition and inputs, offline, with line numbers."""
    found = validation.linted(file)
    wrong = [line for path in files or sorted(inputs.INPUTS.glob("*.json")) for line in validation.of_input(path)]
    session.say("\n".join([*found.lines, *wrong]) or "no problems")
    session.answer([*found.rows, *wrong])
    if found.has_errors or wrong:
        sys.exit(1)


@command(cli)
@click.argument("function")
@click.argument("event", type=click.Path(path_type=Path), required=False)
def invoke(session: Session, function: str, event: Path | None) -> None:
    """Call one deployed function and show its answer and its log.

    EVENT is a file with the event. Without one, an example event is sent, and shown first.
    """
    text = inputs.read(event) if event else json.dumps(orders.example(session, function))
    inputs.parse(text, str(event))
    client = session.client("lambda")
    if event is None:
        session.say(f"event: {text}")
    answer = client.invoke(FunctionName=function, Payload=text.encode(), LogType="Tail")
    payload = json.loads(answer["Payload"].read() or b"null")
    log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    session.say(json.dumps(payload, indent=2))
    if log and not session.quiet:
        show.noted(log.rstrip())
    session.answer({"payload": payload, "error": answer.get("FunctionError"), "log": log.splitlines()})
    if answer.get("FunctionError"):
        sys.exit(1)


@command(cli, about=("config", "json"))
def demo(session: Session) -> None:
    """Run a saga that succeeds and one that is undone, on a server of its own that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="saga-demo-") as place:
        own = Session("embedded", None, session.config_file, Path(place), session.quiet)
        running = own.start_server(0, "skip", "--in-memory")
        try:
            happy = demonstration.run(Session("embedded", running.url, own.config_file, own.directory, own.quiet))
        finally:
            background.stop(own.directory)
    if not happy:
        raise TerminalError("the demo did not end as expected; the lines above show what happened")


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("more", metavar="[OPTION]...", nargs=-1, type=click.UNPROCESSED)
def prove(more: tuple[str, ...]) -> None:
    """Prove that no failure of the saga leaves a trace. Without options: --interleave 50 --mutants."""
    from sfn_emulator.command.prove import command as proof

    more = more or ("--interleave", "50", "--mutants")
    proof.main([str(definition.PATH), *more], prog_name="cli.py prove", standalone_mode=False)


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("more", metavar="[OPTION]...", nargs=-1, type=click.UNPROCESSED)
def cover(more: tuple[str, ...]) -> None:
    """Show which parts of the definition are taken when its Tasks fail."""
    from sfn_emulator.command.cover import proof

    proof.main([os.path.relpath(definition.PATH), *more], prog_name="cli.py cover", standalone_mode=False)


def main(arguments: list[str] | None = None) -> None:
    """Runs a command; whatever goes wrong becomes one line on standard error and exit status 1."""
    try:
        cli.main(arguments, prog_name="cli.py", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        _fail("stopped; earlier changes stay")
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        sys.exit(1)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "cli.py"
        _fail(f"{error.format_message().rstrip('.')}; see 'python {path} --help'")
    except click.ClickException as error:
        _fail(error.format_message())
    except (DeployError, TerminalError) as error:
        _fail(str(error))
    except (ClientError, ResponseParserError) as error:
        _fail(refusals.told(error))
    except (BotoCoreError, OSError) as error:
        _fail(f"{type(error).__name__}: {error}")
    except Exception as error:  # the last line of defence: no traceback reaches a user unless asked for
        if os.environ.get("SAGA_DEBUG"):
            traceback.print_exc()
        _fail(f"unexpected {type(error).__name__}: {error}; set SAGA_DEBUG=1 to see where")


def _fail(text: str) -> None:
    show.noted(f"error: {' '.join(text.split())}")
    sys.exit(1)


if __name__ == "__main__":
    main()
