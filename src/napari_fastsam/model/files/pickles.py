"""A pickle, read without running anything of it.

A pickle is a program that calls whatever it names. Here its instructions are followed by an interpreter that knows no
call: plain values come out as they are, what `constructors` names is made by functions of ours, and everything else
that is admitted becomes a `PickledObject`, its name with what it was to be made of. No class is looked up, let alone
called.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, ClassVar

from napari_fastsam.model.files.pickle_machine import MARK, PickleMachine, kind_of
from napari_fastsam.model.files.pickle_values import PickledObject, RefusedError, UnreadableError, as_key

MAX_BYTES = 32 << 20
"""Of a pickle without its tensors. Checkpoints have 0.1 to 2 MB."""

_MAX_DIGITS = 128
"""Bytes of an integer."""


_U1, _U2, _U4, _U8 = (struct.Struct(f"<{c}") for c in "BHIQ")
_I4, _F8 = struct.Struct("<i"), struct.Struct(">d")

_STOP = ord(".")
_REFUSED = {
    0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x8B: "LONG4", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
    ord("P"): "PERSID", ord("p"): "PUT", ord("g"): "GET", ord("I"): "INT", ord("L"): "LONG", ord("F"): "FLOAT",
    ord("S"): "STRING", ord("V"): "UNICODE",
}  # fmt: skip
"""Instructions of old text pickles, and of those that no checkpoint needs."""


_Step = Callable[["Interpreter"], None]


def _pushes(make: Callable[[], Any]) -> _Step:
    return lambda self: self._stack.append(make())


def _pushes_number(format: struct.Struct) -> _Step:
    return lambda self: self._stack.append(self._number(format))


def _sized(step: Callable[[Interpreter, int], None], format: struct.Struct) -> _Step:
    return lambda self: step(self, self._number(format))


def _pushes_bytes(self: Interpreter, size: int) -> None:
    self._stack.append(self._take(size))


def _of(count: int) -> _Step:
    return lambda self: self._tuple_of(count)


class Interpreter(PickleMachine):
    """Follows the instructions of one pickle; parameters as of `PickleMachine`."""

    def run(self) -> Any:
        """Return what the pickle holds; `position` is then the first byte behind it.

        Raises
        ------
        RefusedError
            If it names what is not admitted, or has an instruction that only other pickles have.
        UnreadableError
            If it is damaged, or larger than any checkpoint.
        """
        data, stack, steps = self._data, self._stack, self._STEPS
        taken = 0
        try:
            while (code := data[self.position]) != _STOP:
                taken += 1
                if taken > self._steps:
                    self._charge(taken)
                self.position += 1
                steps[code](self)
            self.position += 1
            (value,) = stack
        except KeyError as error:
            raise self._unknown(code) from error
        except (IndexError, ValueError, TypeError, AttributeError, struct.error) as error:
            raise UnreadableError(f"its pickle is damaged at byte {self.position}") from error
        return value

    def _unknown(self, code: int) -> UnreadableError:
        if code in _REFUSED:
            return RefusedError(_REFUSED[code], f"its pickle has the instruction {_REFUSED[code]}")
        return UnreadableError(f"its pickle is damaged at byte {self.position}")

    # one method an instruction, by pickletools' names

    def _nothing(self) -> None:
        """Do nothing."""

    def _frame(self) -> None:
        self._take(8)

    def _proto(self) -> None:
        if self._take(1)[0] > 5:
            raise UnreadableError("its pickle is of a protocol that is not known")

    def _mark(self) -> None:
        self._stack.append(MARK)

    def _pop(self) -> None:
        self._stack.pop()

    def _pop_mark(self) -> None:
        self._popped()

    def _dup(self) -> None:
        self._stack.append(self._stack[-1])

    def _long1(self) -> None:
        size = self._take(1)[0]
        if size > _MAX_DIGITS:
            raise UnreadableError(f"an integer has {size} bytes")
        self._stack.append(int.from_bytes(self._take(size), "little", signed=True))

    def _unicode(self, size: int) -> None:
        self._stack.append(self._take(size).decode("utf-8", "surrogatepass"))

    def _string(self, size: int) -> None:
        self._stack.append(self._take(size).decode("latin-1"))

    def _tuple(self) -> None:
        self._stack.append(tuple(self._popped()))

    def _tuple_of(self, count: int) -> None:
        values = tuple(self._stack[-count:])
        if len(values) != count or any(v is MARK for v in values):
            raise IndexError(count)
        self._stack[-count:] = [values]

    def _list(self) -> None:
        self._stack.append(self._popped())

    def _dict(self) -> None:
        values = self._popped()
        self._stack.append({})
        self._set_items(values)

    def _frozenset(self) -> None:
        self._stack.append(frozenset(as_key(v) for v in self._popped()))

    def _append(self) -> None:
        value = self._stack.pop()
        self._extend([value])

    def _appends(self) -> None:
        self._extend(self._popped())

    def _extend(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, PickledObject):
            target.items = target.items or []
            target.items.extend(values)
        elif type(target) is list:
            target.extend(values)
        else:
            raise TypeError(target)

    def _add_items(self) -> None:
        values, target = self._popped(), self._stack[-1]
        if type(target) is not set:
            raise TypeError(target)
        target.update(as_key(v) for v in values)

    def _set_item(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set_items([key, value])

    def _set_items_marked(self) -> None:
        self._set_items(self._popped())

    def _set_items(self, values: list[Any]) -> None:
        target = self._stack[-1]
        pairs = [(k if type(k) is str else as_key(k), v) for k, v in zip(values[::2], values[1::2], strict=True)]
        if isinstance(target, PickledObject):
            target.items = target.items or []
            target.items.extend(pairs)
        elif type(target) is dict:
            target.update(pairs)
        else:
            raise TypeError(target)

    def _put(self, number: int) -> None:
        if self._stack[-1] is MARK:
            raise IndexError(number)
        self._memo[number] = self._stack[-1]

    def _memoize(self) -> None:
        self._put(len(self._memo))

    # most of a checkpoint are these two and the small numbers: they are written out

    def _put1(self) -> None:
        if (value := self._stack[-1]) is MARK:
            raise IndexError
        self._memo[self._data[self.position]] = value
        self.position += 1

    def _put4(self) -> None:
        if (value := self._stack[-1]) is MARK:
            raise IndexError
        self._memo[_U4.unpack_from(self._data, self.position)[0]] = value
        self.position += 4

    def _get1(self) -> None:
        self._stack.append(self._memo[self._data[self.position]])
        self.position += 1

    def _get4(self) -> None:
        self._stack.append(self._memo[_U4.unpack_from(self._data, self.position)[0]])
        self.position += 4

    def _int1(self) -> None:
        self._stack.append(self._data[self.position])
        self.position += 1

    def _global(self) -> None:
        module, name = self._line(), self._line()
        self._push_name(module, name)

    def _stack_global(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise TypeError(name)
        self._push_name(module, name)

    def _inst(self) -> None:
        module, name = self._line(), self._line()
        self._push_name(module, name)
        made = self._stack.pop()
        self._stack.append(self._make(made, tuple(self._popped())))

    def _obj(self) -> None:
        name, *args = self._popped()
        self._stack.append(self._make(name, tuple(args)))

    def _reduce(self) -> None:
        args, name = self._stack.pop(), self._stack.pop()
        self._stack.append(self._make(name, args))

    def _newobj_ex(self) -> None:
        keywords, args, name = self._stack.pop(), self._stack.pop(), self._stack.pop()
        if not isinstance(keywords, dict) or keywords:
            raise RefusedError(str(name)[:200], f"it makes a {str(name)[:200]} of named arguments")
        self._stack.append(self._make(name, args))

    def _build(self) -> None:
        state, target = self._stack.pop(), self._stack[-1]
        if isinstance(target, PickledObject):
            target.state = state
        elif type(target) is not dict:  # an ordered dictionary of torch has notes on versions, which nobody reads
            raise RefusedError(kind_of(target), f"it sets attributes of a {kind_of(target)}")

    def _refer(self) -> None:
        if self._persistent is None:
            raise RefusedError("BINPERSID", "it refers to something outside of itself")
        self._stack.append(self._persistent(self._stack.pop()))

    _STEPS: ClassVar[dict[int, _Step]] = {
        0x80: _proto, 0x95: _frame,
        ord("("): _mark, ord("0"): _pop, ord("1"): _pop_mark,
        ord("2"): _dup,
        ord("N"): _pushes(lambda: None), 0x88: _pushes(lambda: True), 0x89: _pushes(lambda: False),
        ord("J"): _pushes_number(_I4), ord("K"): _int1, ord("M"): _pushes_number(_U2),
        ord("G"): _pushes_number(_F8), 0x8A: _long1,
        ord("X"): _sized(_unicode, _U4), 0x8C: _sized(_unicode, _U1),
        0x8D: _sized(_unicode, _U8),
        ord("T"): _sized(_string, _U4), ord("U"): _sized(_string, _U1),
        ord("B"): _sized(_pushes_bytes, _U4), ord("C"): _sized(_pushes_bytes, _U1), 0x8E: _sized(_pushes_bytes, _U8),
        0x96: _sized(_pushes_bytes, _U8),
        ord(")"): _pushes(tuple), ord("t"): _tuple, 0x85: _of(1), 0x86: _of(2), 0x87: _of(3),
        ord("]"): _pushes(list), ord("l"): _list, ord("a"): _append,
        ord("e"): _appends,
        ord("}"): _pushes(dict), ord("d"): _dict, ord("s"): _set_item,
        ord("u"): _set_items_marked,
        0x8F: _pushes(set), 0x90: _add_items, 0x91: _frozenset,
        ord("q"): _put1, ord("r"): _put4, 0x94: _memoize,
        ord("h"): _get1, ord("j"): _get4,
        ord("c"): _global, 0x93: _stack_global, ord("i"): _inst,
        ord("o"): _obj, ord("R"): _reduce, 0x81: _reduce,
        0x92: _newobj_ex, ord("b"): _build, ord("Q"): _refer,
    }  # fmt: skip
