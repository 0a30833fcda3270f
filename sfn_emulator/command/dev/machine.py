"""Deploys one definition as one state machine: makes it if it is missing, else changes it."""

from pathlib import Path
from typing import Any

from sfn_emulator.asl.model import MachineType
from sfn_emulator.command.files import filled
from sfn_emulator.lint.findings import CREATE, in_file
from sfn_emulator.lint.formats import line


class DevMachine:
    """A definition file that is deployed as one state machine, again and again."""

    def __init__(
        self, states: Any, file: Path, name: str, names: tuple[str, ...], role: str, kind: MachineType
    ) -> None:
        self._states, self._file, self._name, self._names = states, file, name, names
        self._role, self._kind = role, kind

    def places(self) -> list[Path]:
        return [self._file]

    def deployed(self, changed: set[Path]) -> str:
        """What was deployed, in words. Raises ``NotDeployedError``, and the client's errors."""
        errors = [finding for finding in in_file(self._file, self._kind, CREATE) if finding.is_error]
        if errors:
            raise NotDeployedError("\n".join(map(line, errors)))
        return self._put(filled(self._file, self._names))

    def _put(self, definition: str) -> str:
        pages = self._states.get_paginator("list_state_machines").paginate()
        known = {m["name"]: m["stateMachineArn"] for page in pages for m in page["stateMachines"]}
        if self._name in known:
            self._states.update_state_machine(stateMachineArn=known[self._name], definition=definition)
            return str(known[self._name])
        made = self._states.create_state_machine(
            name=self._name, definition=definition, roleArn=self._role, type=self._kind.value
        )
        return str(made["stateMachineArn"])


class NotDeployedError(Exception):
    """The problems, a line each. What was deployed before stays."""
