"""``sfn-emulator clock``: shows a server's time, or moves it on."""

import json
from typing import Final

import click

from sfn_emulator.command.help_page import HelpPage, say
from sfn_emulator.command.running_server import asked, endpoint_option, seconds, stranger

_PATH: Final = "/_sfn/clock"
_EXAMPLES: Final = (
    ("sfn-emulator clock", "Shows the server's time."),
    ("sfn-emulator clock advance 1h", "A callback without an answer times out, if its hour is over then."),
    ("sfn-emulator clock advance 3d --endpoint http://127.0.0.1:4000", "On another server."),
)
_EXITS: Final = {0: "the time was shown, or moved on", 1: "no server answered, or it refused"}


@click.command("clock", cls=HelpPage, examples=_EXAMPLES, exits=_EXITS)
@click.argument("what", type=click.Choice(["show", "advance"]), default="show")
@click.argument("duration", required=False)
@endpoint_option
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def command(what: str, duration: str | None, endpoint: str, as_json: bool) -> None:
    """Show a server's time, or move it on.

    'advance DURATION' moves the whole server on: everything that becomes due on the way happens in
    order. Work under way is not waited for. DURATION is seconds, or 15m, 2h, 3d.
    """
    if (what == "advance") != (duration is not None):
        raise click.UsageError("'advance' takes a duration, and nothing else does: sfn-emulator clock advance 15m")
    told = asked(endpoint, _PATH, {"advance": seconds(duration)} if duration else None)
    if not isinstance(told, dict) or "iso" not in told:
        raise stranger(endpoint)
    say(json.dumps(told) if as_json else f"{told['iso']}  (time: {told['time']})")
