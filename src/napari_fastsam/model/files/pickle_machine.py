"""The stack machine that the instructions of a pickle work on: where it reads, what it holds, what it admits."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from napari_fastsam.model.files.pickle_values import Name, PickledObject, RefusedError, UnreadableError, is_within

MAX_STEPS = 4_000_000
"""Instructions, and values that constructors are given: some seconds. Checkpoints have 0.05 to 0.5 million."""

_SIZED = (str, bytes, list, tuple, dict, set, frozenset)


class Mark:
    """Where a run of values begins on the stack."""


MARK = Mark()


def kind_of(value: Any) -> str:
    """Return what a message calls a value: its name, or its type."""
    return str(value) if isinstance(value, Name) else type(value).__name__


class PickleMachine:
    """Reads the bytes of one pickle onto a stack; `pickles.Interpreter` has the instructions.

    Parameters
    ----------
    data
        The pickle, and perhaps more behind it.
    constructors
        What to call, and with what the pickle gives, for names written out in full: functions of ours that bear with
        any arguments.
    inert
        Modules, with all inside them, and full names that may occur, and then become records. Any other name is
        refused; None = no name is.
    persistent
        What to call for references to what lies outside of the pickle.
    start
        Where in `data` it begins.
    """

    def __init__(
        self,
        data: bytes,
        constructors: Mapping[str, Callable[..., Any]],
        inert: tuple[str, ...] | None = (),
        persistent: Callable[[Any], Any] | None = None,
        start: int = 0,
    ) -> None:
        self._data, self.position = data, start
        self._constructors, self._inert, self._persistent = constructors, inert, persistent
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._steps = MAX_STEPS

    def _charge(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise UnreadableError(f"its pickle has more than {MAX_STEPS} instructions, far more than a checkpoint has")

    def _take(self, count: int) -> bytes:
        start, self.position = self.position, self.position + count
        if count < 0 or self.position > len(self._data):
            raise IndexError(count)
        return self._data[start : self.position]

    def _number(self, format: struct.Struct) -> Any:
        (value,) = format.unpack_from(self._data, self.position)
        self.position += format.size
        return value

    def _line(self) -> str:
        end = self._data.index(b"\n", self.position)
        line = self._data[self.position : end].decode()
        self.position = end + 1
        return line

    def _popped(self) -> list[Any]:
        """Take everything from the stack down to its last mark."""
        stack = self._stack
        place = len(stack) - 1
        while stack[place] is not MARK:
            place -= 1
            if place < 0:
                raise IndexError(place)
        values = stack[place + 1 :]
        del stack[place:]
        return values

    def _push_name(self, module: str, name: str) -> None:
        found = Name(module, name)
        full = found.full
        admitted = full in self._constructors or self._inert is None or is_within(full, self._inert)
        if not admitted or "." in name or not name.isidentifier():
            raise RefusedError(full[:200], f"it names {full[:200]!r}, which is not read from files")
        self._stack.append(found)

    def _make(self, name: Any, args: Any) -> Any:
        if not isinstance(name, Name) or not isinstance(args, tuple):
            raise RefusedError(repr(name)[:200], f"it calls what is no name: {kind_of(name)}")
        construct = self._constructors.get(name.full)
        if construct is None:
            return PickledObject(name, args)
        for value in args:
            if isinstance(value, _SIZED):
                self._charge(len(value))
        return construct(*args)
