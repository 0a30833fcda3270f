"""Signatures of functions: the library's, with the reference's rules for null and its error messages."""

import copy
import re
from typing import Any, Final

from jsonata import signature, utils

from sfn_emulator.query.jsonata.errors import JsonataError

_PLURALS: Final = {"a": "arrays", "b": "booleans", "f": "functions", "n": "numbers", "o": "objects", "s": "strings"}


class Fitting(list[Any]):
    """Arguments that a signature has let through."""


class Signature(signature.Signature):  # type: ignore[misc]
    """``validate(args, context)`` gives the arguments to call with, the context in place of a missing one."""

    @classmethod
    def of(cls, name: str, source: Any) -> "Signature":
        """From a signature's text (``<n-n:n>``) or from one the library has parsed."""
        if isinstance(source, str):
            return cls(source, name)
        own = copy.copy(source)
        own.__class__ = cls
        own.function_name = name
        return own  # type: ignore[no-any-return]

    def get_symbol(self, value: Any) -> str:
        """The type of an argument. The library would take null for a missing one."""
        symbol: str = "l" if value is utils.Utils.NULL_VALUE else super().get_symbol(value)
        return symbol

    def validate(self, args: Any, context: Any) -> Fitting:
        supplied = "".join(map(self.get_symbol, args))
        match = self._regex.fullmatch(supplied)
        if match is None:
            raise JsonataError("T0410", self._first_bad(supplied), self.function_name)
        validated = Fitting()
        at = 0
        for group, parameter in enumerate(self._params, 1):
            taken = match.group(group)
            if not taken:
                validated.append(self._contextual(parameter, context, at) if parameter.context else None)
                continue
            for symbol in taken:
                validated.append(self._array(parameter, symbol, args[at], at) if parameter.type == "a" else args[at])
                at += 1
        return validated

    def _first_bad(self, supplied: str) -> int:
        """The first argument up to which the parameters do not match."""
        pattern, good = "^", 0
        for parameter in self._params:
            pattern += parameter.regex
            match = re.match(pattern, supplied)
            if match is None:
                return good + 1
            good = match.end()
        return good + 1

    def _contextual(self, parameter: Any, context: Any, at: int) -> Any:
        if not re.fullmatch(parameter.regex, self.get_symbol(context)):
            raise JsonataError("T0411", at + 1, self.function_name)
        return context

    def _array(self, parameter: Any, symbol: str, arg: Any, at: int) -> Any:
        """A lone value becomes an array of one; the items' type is checked where the signature names it."""
        if symbol == "m":
            return None
        items = arg if symbol == "a" else [arg]
        if parameter.subtype is not None and any(self.get_symbol(i) != parameter.subtype[0] for i in items):
            raise JsonataError("T0412", at + 1, self.function_name, _PLURALS.get(parameter.subtype, parameter.subtype))
        return items
