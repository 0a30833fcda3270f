"""``sfn-emulator replay CASES --definition FILE``: shows which recorded executions would now go another way, and
where.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import click

from sfn_emulator.command.files import text_of
from sfn_emulator.command.help_page import Failure, HelpPage, say
from sfn_emulator.coverage.points import Point, points_of
from sfn_emulator.errors import DefinitionError
from sfn_emulator.picture.definition import UndrawableError, read_definition
from sfn_emulator.picture.printable import printable
from sfn_emulator.replay.borrowing import borrowed
from sfn_emulator.replay.case import DEFINITION, HISTORY, UnreadableCaseError, read_case
from sfn_emulator.replay.replaying import Difference, UnreplayableError, replay

OTHERWISE: Final = 3

_EXAMPLES: Final = (
    ("sfn-emulator replay cases --definition machine.asl.json", "Every case below cases/ against the file."),
    ("sfn-emulator replay cases/order-42", "One case against the definition it was recorded with."),
)
_EXITS: Final = {
    0: "all go the same way",
    1: "a case or the definition can't be used",
    OTHERWISE: "one differs",
}


@dataclass(frozen=True, slots=True)
class Result:
    """``skipped`` says why a case was not replayed; ``line`` is the state's line in the definition, 0 if it is not
    there.
    """

    case: str
    difference: Difference | None = None
    skipped: str = ""
    line: int = 0


@click.command("replay", cls=HelpPage, examples=_EXAMPLES, exits=_EXITS)
@click.argument("places", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--definition", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The definition to run instead."
)
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write the result as JUnit XML, too.")
def command(places: tuple[Path, ...], definition: Path | None, as_json: bool, junit: Path | None) -> None:
    """Run a definition against the recorded executions in PLACES, with the Tasks' recorded answers."""
    if junit is not None and not junit.parent.is_dir():
        raise Failure(f"--junit {junit}: there is no folder {junit.parent}")
    try:
        results = [_replayed(folder, definition) for folder in _folders(places)]
    except (UnreadableCaseError, UndrawableError) as error:
        raise Failure(str(error)) from None
    except DefinitionError as error:
        raise Failure(f"{definition or 'the definition'}: {error.problems[0]}") from None
    if junit is not None:
        junit.write_text(_junit(results), encoding="utf-8")
    say(_json(results) if as_json else "\n".join(_lines(results, definition)))
    sys.exit(OTHERWISE if any(result.difference for result in results) else 0)


def _folders(places: Sequence[Path]) -> list[Path]:
    found = sorted({file.parent for place in places for file in place.rglob(HISTORY)})
    if not found:
        raise Failure(f"there is no case below {', '.join(map(str, places))}: a case is a folder with a {HISTORY}")
    return found


def _replayed(folder: Path, definition: Path | None) -> Result:
    case = read_case(folder)
    file = definition or folder / DEFINITION
    text = borrowed(text_of(file), case.definition)
    try:
        difference = replay(case, text)
    except UnreplayableError as error:
        return Result(folder.name, skipped=str(error))
    return Result(folder.name, difference, line=_line(text, str(file), difference))


def _line(text: str, name: str, difference: Difference | None) -> int:
    if difference is None or not difference.state:
        return 0
    definition = read_definition(text, name)
    place = points_of(definition.raw).get(Point("state", difference.state))
    return 0 if place is None else definition.positions[place][0]


def _lines(results: Sequence[Result], definition: Path | None) -> Iterator[str]:
    for result in results:
        if result.skipped:
            yield f"not replayed  {result.case}: {result.skipped}"
        elif result.difference is None:
            yield f"same          {result.case}"
        else:
            where = f" ({definition or DEFINITION}:{result.line})" if result.line else ""
            yield f"DIFFERENT     {result.case}{where}\n  {str(result.difference).replace(chr(10), chr(10) + '  ')}"
    differing = len([result for result in results if result.difference])
    skipped = len([result for result in results if result.skipped])
    yield f"{len(results) - differing - skipped} same, {differing} different, {skipped} not replayed"


def _json(results: Sequence[Result]) -> str:
    return json.dumps([asdict(result) for result in results], indent=2, ensure_ascii=False)


def _junit(results: Sequence[Result]) -> str:
    failures = str(len([result for result in results if result.difference]))
    suite = Element("testsuite", {"name": "replay", "tests": str(len(results)), "failures": failures})
    for result in results:
        case = SubElement(suite, "testcase", {"classname": "replay", "name": result.case})
        if result.difference is not None:
            SubElement(case, "failure", {"message": result.difference.what}).text = str(result.difference)
        if result.skipped:
            SubElement(case, "skipped", {"message": result.skipped})
    indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + printable(tostring(suite, encoding="unicode")) + "\n"
