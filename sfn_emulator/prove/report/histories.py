"""A path as a history: the file that ``sfn-emulator show`` and the console open."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sfn_emulator.engine.events import Event
from sfn_emulator.prove.machine import Source
from sfn_emulator.service.running.history import Texts, render, started_of
from sfn_emulator.values import dumps


def history(events: Sequence[Event]) -> list[Mapping[str, Any]]:
    """The events in the form of GetExecutionHistory's answer."""
    texts = Texts(started_of(events))
    role = {"roleArn": "arn:aws:iam::123456789012:role/Prove"}
    return [render(event, number, texts, role) for number, event in enumerate(events, 1)]


def write_history(directory: Path, name: str, source: Source, events: Sequence[Event]) -> Path:
    """``NAME.history.json`` in the directory, with the definition beside the events."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.history.json"
    told = {"events": history(events), "definition": source.text, "execution": {"name": name}}
    path.write_text(dumps(told), encoding="utf-8")
    return path
