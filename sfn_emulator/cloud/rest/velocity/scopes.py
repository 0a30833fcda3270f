"""The blocks of a template: loops, macros and defined blocks, and the ways out of them."""

from typing import Any

from sfn_emulator.cloud.rest.velocity.frame import DEEPEST, Frame, Part, VtlError
from sfn_emulator.cloud.rest.velocity.values import Bean


class Left(Exception):  # noqa: N818 - no error: a way out
    """#break leaves the #foreach or macro around it, #stop the template."""

    def __init__(self, loop: bool) -> None:
        self.loop = loop


class Macro:
    """``#macro(name $a $b) … #end``."""

    def __init__(self, names: list[str], body: Part) -> None:
        self.names, self.body = names, body

    def __call__(self, frame: Frame, arguments: list[Any]) -> None:
        if frame.depth >= DEEPEST:
            raise VtlError(f"Macros in the template call each other more than {DEEPEST} deep.")
        frame.depth += 1
        with kept(frame, self.names):
            for name, value in zip(self.names, [*arguments, *[None] * len(self.names)], strict=False):
                frame.variables[name] = value
            try:
                self.body(frame)
            except Left as broken:
                if not broken.loop:
                    raise
        frame.depth -= 1


class Loop(Bean):
    """``$foreach`` (``ForeachScope``)."""

    __slots__ = ("_index", "_parent", "_size")

    def __init__(self, size: int, parent: Any) -> None:
        self._size, self._parent, self._index = size, parent, -1

    def advance(self) -> None:
        self._index += 1

    def getIndex(self) -> int:  # noqa: N802
        return self._index

    def getCount(self) -> int:  # noqa: N802
        return self._index + 1

    def hasNext(self) -> bool:  # noqa: N802
        return self._index + 1 < self._size

    getHasNext = hasNext  # noqa: N815 - Java's name

    def isFirst(self) -> bool:  # noqa: N802
        return self._index == 0

    def isLast(self) -> bool:  # noqa: N802
        return self._index + 1 == self._size

    getFirst, getLast = isFirst, isLast  # noqa: N815 - Java's names

    def getParent(self) -> Any:  # noqa: N802
        return self._parent

    def stop(self) -> None:
        raise Left(loop=True)


class kept:  # noqa: N801 - reads as what it does
    """Restores variables afterwards, as Velocity does for loop variables and macro arguments."""

    def __init__(self, frame: Frame, names: list[str]) -> None:
        self._variables, self._names = frame.variables, names

    def __enter__(self) -> None:
        self._before = {name: self._variables[name] for name in self._names if name in self._variables}

    def __exit__(self, *_: object) -> None:
        for name in self._names:
            self._variables.pop(name, None)
        self._variables.update(self._before)


class Defined(Bean):
    """The value of #define: a block that is rendered again wherever it is used."""

    __slots__ = ("_body", "_frame")

    def __init__(self, frame: Frame, body: Part) -> None:
        self._frame, self._body = frame, body

    def toString(self) -> str:  # noqa: N802
        frame = self._frame
        if frame.depth >= DEEPEST:
            raise VtlError("A #define in the template shows itself.")
        outer, frame.output = frame.output, []
        frame.depth += 1
        try:
            self._body(frame)
            return "".join(frame.output)
        finally:
            frame.output = outer
            frame.depth -= 1
