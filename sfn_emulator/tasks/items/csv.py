"""Text delimited files, as Step Functions parses them (`example-csv-parse-dist-map`).

Fields are strings. Double quotes keep delimiters and newlines in a field; a doubled one stands for itself, outside
quotes, too. A backslash escapes a backslash, a quote or the delimiter, and vanishes before any other character. Missing
fields are empty, surplus ones are skipped. A row's names are in the order of a Java map (recorded).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sfn_emulator.asl.model import CSV_DELIMITERS
from sfn_emulator.query.java.hashing import hash_map_keys
from sfn_emulator.tasks.items.text import LARGEST_ITEM, failure
from sfn_emulator.values import Value

LARGEST_HEADER: Final = 10 * 1024
"""Bytes (`input-output-itemreader`)."""


def rows(lines: Iterator[str], config: Mapping[str, Value]) -> Iterator[dict[str, str]]:
    """The rows; each is an object with the headers' names. ``config`` is ReaderConfig."""
    found = records(lines, CSV_DELIMITERS[str(config.get("CSVDelimiter", "COMMA"))])
    names = config.get("CSVHeaders") if config.get("CSVHeaderLocation") != "FIRST_ROW" else next(found, None)
    if names is None:
        return iter(())
    return named(found, checked(names))


def checked(names: Sequence[str]) -> Sequence[str]:
    """The names of columns, if they fit AWS's limits. Raises ``StateError``."""
    if len(set(names)) != len(names):
        raise failure("CSV headers cannot contain duplicates.")
    if sum(len(name.encode()) + 1 for name in names) > LARGEST_HEADER + 1:
        raise failure(f"CSV headers cannot exceed {LARGEST_HEADER} bytes.")
    return names


def named(found: Iterator[list[str]], names: Sequence[str]) -> Iterator[dict[str, str]]:
    """Each record as an object, its members in the order of a Java map (recorded). Missing fields are empty."""
    width = len(names)
    columns = {name: place for place, name in enumerate(names)}
    places = [(name, columns[name]) for name in hash_map_keys(names)]
    for fields in found:
        if len(fields) < width:
            fields += [""] * (width - len(fields))
        yield {name: fields[place] for name, place in places}


def records(lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """The fields of each record; a quoted field may go on over several lines."""
    for line in lines:
        if '"' in line or "\\" in line:
            yield _parsed(line, lines, delimiter)
        else:
            yield line.split(delimiter)


def _parsed(line: str, more: Iterator[str], delimiter: str) -> list[str]:
    """A record with quotes or backslashes; takes further lines while a quoted field goes on."""
    record = _Record(delimiter)
    record.read(line)
    while record.quoted:
        following = next(more, None)
        if following is None:
            break
        record.field.append("\n")
        record.read(following)
        if record.length > LARGEST_ITEM:
            raise failure(f"An item exceeds {LARGEST_ITEM} bytes")
    return record.fields()


class _Record:
    """The fields so far; ``quoted`` says that the present one is inside quotes."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._escapable = ("\\", '"', delimiter)
        self._done: list[str] = []
        self._began = False
        self.field: list[str] = []
        self.quoted = False
        self.length = 0

    def fields(self) -> list[str]:
        return [*self._done, "".join(self.field)]

    def read(self, line: str) -> None:
        self.length += len(line)
        at = 0
        while at < len(line):
            at += self._take(line[at], line[at + 1 : at + 2])

    def _take(self, char: str, following: str) -> int:
        """Takes a character, and the next one if the two belong together. Returns how many were taken."""
        if char == "\\":
            return self._escape(following)
        if char == '"':
            return self._quote(following)
        if char == self._delimiter and not self.quoted:
            self._done.append("".join(self.field))
            self.field, self._began = [], False
        else:
            self.field.append(char)
            self._began = True
        return 1

    def _escape(self, following: str) -> int:
        self._began = True
        if following not in self._escapable:
            return 1
        self.field.append(following)
        return 2

    def _quote(self, following: str) -> int:
        inside = self.quoted or self._began
        if inside and following == '"':
            self.field.append('"')
            return 2
        if self.quoted or not self._began:
            self.quoted = not self.quoted
        else:
            self.field.append('"')
        self._began = True
        return 1
