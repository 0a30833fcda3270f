"""``python -m sfn_emulator.asl FILE...``: checks definition files and tells every problem.

A line per problem, ``file:line:column CODE message at /States/...`` (warnings say so), or ``--json``. The exit status
is 1 if there is an error or a file can't be read, else 0.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from sfn_emulator.asl.lint import UnreadableError, has_errors, lint_file
from sfn_emulator.asl.model import MachineType
from sfn_emulator.errors import Problem, Severity


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    machine_type = MachineType.EXPRESS if options.express else MachineType.STANDARD
    rows: list[dict[str, Any]] = []
    status = 0
    for path in options.files:
        try:
            problems = lint_file(path, machine_type)
        except UnreadableError as error:
            sys.stderr.write(f"{error}\n")
            status = 1
            continue
        status = max(status, int(has_errors(problems)))
        rows += [row(path, problem) for problem in problems]
        if not options.json:
            sys.stdout.writelines(line(path, problem) + "\n" for problem in problems)
    if options.json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    return status


def line(path: str, problem: Problem) -> str:
    """One problem for people, on one line."""
    warning = "warning " if problem.severity is Severity.WARNING else ""
    message = problem.message.splitlines()[0]
    place = f" at {problem.pointer}" if problem.pointer.startswith("/") else ""
    return f"{path}:{problem.line or 1}:{problem.column or 1} {warning}{problem.code} {message}{place}"


def row(path: str, problem: Problem) -> dict[str, Any]:
    """One problem for programs: ``location`` as AWS tells it, ``pointer`` (RFC 6901) at the very field."""
    return {
        "file": path,
        "line": problem.line,
        "column": problem.column,
        "severity": problem.severity.value,
        "code": problem.code,
        "kind": problem.kind,
        "message": problem.message,
        "location": problem.pointer,
        "pointer": problem.place,
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m sfn_emulator.asl", description="Check Amazon States Language files.")
    parser.add_argument("files", nargs="+", metavar="FILE", help="a definition in JSON or YAML")
    parser.add_argument("--json", action="store_true", help="print problems as JSON")
    parser.add_argument("--express", action="store_true", help="check as an Express workflow")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
