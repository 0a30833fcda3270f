"""The output of a Map Run, made page by page: an array, or files of a writer."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from sfn_emulator.engine.child_result import ChildResult
from sfn_emulator.engine.ports import Work, WriterSpec
from sfn_emulator.engine.states.dataflow import too_large
from sfn_emulator.errors import DATA_LIMIT, EvaluationError, StateError
from sfn_emulator.service.map_runs.children.standard import BEGINNING, PAGE, Children, Cursor
from sfn_emulator.service.map_runs.ports import MapData, ResultFiles
from sfn_emulator.service.map_runs.results import combined, group_of, shape
from sfn_emulator.values import PAYLOAD_LIMIT, Value, size

Concluded = Callable[[Value, Exception | None], None]
"""Called with the Map state's raw result, or with the reason why there is none."""

NO_WRITER: Final = WriterSpec(None, None, {})


class Collecting:
    """The results as an array in the order of the items, up to the limit of a state's output."""

    def __init__(
        self,
        state: str,
        spec: WriterSpec | None,
        children: Children,
        later: Callable[[Callable[[], None]], None],
        concluded: Concluded,
    ) -> None:
        self._state = state
        self._spec = spec or NO_WRITER
        self._shape = shape(self._spec.config, "COMPACT")
        self._children = children
        self._later = later
        self._concluded = concluded
        self._cursor: Cursor | None = BEGINNING
        self._found: list[tuple[int, list[str]]] = []

    def step(self) -> None:
        """One page per turn of the loop."""
        if self._cursor is None:
            self._finish()
            return
        page, self._cursor = self._children.page(self._cursor)
        self._found += [(child.number, self._shape(child)) for child in page]
        self._later(self.step)

    def _finish(self) -> None:
        texts = [text for _, texts in sorted(self._found) for text in texts]
        value = combined(texts, self._spec.config)
        fits = size(value) <= PAYLOAD_LIMIT
        self._concluded(value, None if fits else StateError(DATA_LIMIT, too_large(self._state)))


class Writing:
    """Writes the results into files, by a writer in a thread, while the loop reads the next page.

    ``pending`` are the children that were never started.
    """

    def __init__(
        self,
        files: ResultFiles,
        spec: WriterSpec,
        data: MapData,
        children: Children,
        pending: Iterator[ChildResult],
        concluded: Concluded,
    ) -> None:
        self._files = files
        self._spec = spec
        self._shape = shape(spec.config, "NONE")
        self._data = data
        self._children = children
        self._pending = pending
        self._concluded = concluded
        self._cursor: Cursor | None = BEGINNING
        self._work: Work | None = None

    def step(self) -> None:
        """Writes the next page in a thread, and after the last one concludes with the manifest's place."""
        try:
            page = self._next_page()
        except (StateError, EvaluationError) as error:
            self._concluded(None, error)
            return
        job = self._files.finish if page is None else lambda: self._add(page)

        def done(key: str | Exception | None) -> None:
            if isinstance(key, Exception):
                self._concluded(None, key)
            elif key is None:
                self.step()
            else:
                self._concluded({"Bucket": self._spec.arguments.get("Bucket"), "Key": key}, None)

        self._work = self._data.run(job, done)

    def _next_page(self) -> list[ChildResult] | None:
        """``None`` after the last."""
        if self._cursor is not None:
            page, self._cursor = self._children.page(self._cursor)
            return page
        return list(islice(self._pending, PAGE)) or None

    def _add(self, page: list[ChildResult]) -> None:
        groups: dict[str, list[bytes]] = {}
        for child in page:
            texts = self._shape(child) if child.output is not None else self._whole(child)
            groups.setdefault(group_of(child), []).extend(text.encode("utf-8", "surrogatepass") for text in texts)
        for group, results in groups.items():
            self._files.add(group, results)

    _whole = staticmethod(shape({}, "NONE"))
