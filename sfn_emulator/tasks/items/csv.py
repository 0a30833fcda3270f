"""Text delimited files, as Step Functions parses them (`example-csv-parse-dist-map`).

Fields are strings. Double quotes keep delimiters and newlines in a field; a doubled one stands for itself, outside
quotes, too. A backslash escapes a backslash, a quote or the delimiter, and vanishes before any other character. Missing
fields are empty, surplus ones are skipped. A row's names are in the order of a Java map (recorded).

These are OpenCSV's rules and no other common parser's, so what the guide leaves open is as OpenCSV has it: a quote
within a field keeps delimiters until the next one, blanks before a quote that opens a field are skipped, and a quote
that nothing closes is an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sfn_emulator.asl.model import CSV_DELIMITERS
from sfn_emulator.query.java.hashing import hash_map_keys
from sfn_emulator.tasks.items.text import LARGEST_ITEM, failure
from sfn_emulator.values import Value

LARGEST_HEADER: Final = 10 * 1024
"""Bytes (`input-output-itemreader`)."""

_EARLY: Final = 3
"""A quote among a line's first characters always opens or closes (OpenCSV)."""

_TOLD: Final = 100
"""Characters of a field without an end that are told (OpenCSV)."""


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
            lost = record.present()[:_TOLD]
            raise failure(f"Unterminated quoted field at end of CSV line. Beginning of lost text: [{lost}]")
        record.go_on(following)
        if record.length > LARGEST_ITEM:
            raise failure(f"An item exceeds {LARGEST_ITEM} bytes")
    return record.fields()


class _Record:
    """The fields so far; ``quoted`` says that the present one is inside quotes."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._escapable = ("\\", '"', delimiter)
        self._done: list[str] = []
        self._inside = False
        self._field: list[str] = []
        self.quoted = False
        self.length = 0

    def present(self) -> str:
        return "".join(self._field)

    def fields(self) -> list[str]:
        return [*self._done, self.present()]

    def go_on(self, line: str) -> None:
        """A further line of a quoted field."""
        self._field.append("\n")
        self.read(line)

    def read(self, line: str) -> None:
        self.length += len(line)
        at = 0
        while at < len(line):
            at = self._take(line, at)

    def _take(self, line: str, at: int) -> int:
        """Takes a character, and the next one if the two belong together. Returns the place after them."""
        char = line[at]
        if char == "\\":
            return self._escape(line, at + 1)
        if char == '"':
            return self._quote(line, at + 1)
        if char == self._delimiter and not self.quoted:
            self._done.append(self.present())
            self._field, self._inside = [], False
        else:
            self._field.append(char)
            self._inside = True
        return at + 1

    def _escape(self, line: str, after: int) -> int:
        self._inside = True
        if line[after : after + 1] not in self._escapable:
            return after
        self._field.append(line[after])
        return after + 1

    def _quote(self, line: str, after: int) -> int:
        doubled = (self.quoted or self._inside) and line[after : after + 1] == '"'
        if doubled:
            self._field.append('"')
        else:
            self.quoted = not self.quoted
            self._keep_quote(line, after)
        self._inside = not self._inside
        return after + doubled

    def _keep_quote(self, line: str, after: int) -> None:
        """A quote between other characters is one of the field's, but blanks before it are not."""
        if not _EARLY < after < len(line) or self._delimiter in (line[after - 2], line[after]):
            return
        if self._field and self.present().isspace():
            self._field = []
        else:
            self._field.append('"')
