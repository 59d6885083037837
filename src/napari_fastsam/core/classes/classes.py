"""The list of classes that objects can have: names, colours and keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from napari_fastsam.errors import ParameterError

KEYS = tuple(range(1, 10))
"""Digits that can be a class's key."""

COLOURS = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#a6761d", "#999999",
)  # fmt: skip
"""Of new classes, in this order: Okabe & Ito, *Color Universal Design*, 2008, then brown and grey."""

_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True)
class ObjectClass:
    """What an object can be.

    Attributes
    ----------
    name
        As features and files have it; not empty, without white space around it.
    colour
        ``"#rrggbb"``.
    key
        A digit from 1 to 9 that gives it to an object; None = there is none.

    Raises
    ------
    ParameterError
        If one of them is something else.
    """

    name: str
    colour: str
    key: int | None = None

    def __post_init__(self) -> None:
        if not str(self.name).strip():
            raise ParameterError("a class has no name; give it one")
        object.__setattr__(self, "name", self.name.strip())
        object.__setattr__(self, "colour", str(self.colour).lower())
        if not _COLOUR.fullmatch(self.colour):
            raise ParameterError(f'the colour of class "{self.name}" is {self.colour!r}; expected "#rrggbb"')
        if self.key is not None and (isinstance(self.key, bool) or self.key not in KEYS):
            raise ParameterError(f'the key of class "{self.name}" is {self.key!r}; expected a digit from 1 to 9')


@dataclass(frozen=True)
class ClassList:
    """The classes that there are, in the order in which they are shown.

    Attributes
    ----------
    classes
        Each with a name and, if it has one, a key of its own.
    chosen
        Name of the class that new objects get; "" = none.

    Raises
    ------
    ParameterError
        If two classes have one name or one key, or the chosen one is not there.
    """

    classes: tuple[ObjectClass, ...] = ()
    chosen: str = ""

    def __post_init__(self) -> None:
        names, keys = set[str](), dict[int, str]()
        for one in self.classes:
            if one.name in names:
                raise ParameterError(f'there are two classes of the name "{one.name}"; give one of them another name')
            names.add(one.name)
            if one.key is not None and one.key in keys:
                raise ParameterError(
                    f'key {one.key} belongs to both class "{keys[one.key]}" and class "{one.name}"; change one of them'
                )
            if one.key is not None:
                keys[one.key] = one.name
        if self.chosen and self.chosen not in names:
            raise ParameterError(f'class "{self.chosen}" is chosen but not in the list; add it or choose another')

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(one.name for one in self.classes)

    @property
    def colours(self) -> dict[str, str]:
        """Name to colour."""
        return {one.name: one.colour for one in self.classes}

    def named(self, name: str) -> ObjectClass:
        """Return the class of a name.

        Raises
        ------
        ParameterError
            If there is none.
        """
        for one in self.classes:
            if one.name == name:
                return one
        raise ParameterError(f'there is no class "{name}"; there are {", ".join(self.names) or "none"}')

    def at_key(self, key: int) -> ObjectClass | None:
        """Return the class that a digit gives; None = none does."""
        return next((one for one in self.classes if one.key == key), None)

    def with_new(self, name: str = "") -> ClassList:
        """Return the list with another class at its end: the first free key, the first colour that none has.

        Parameters
        ----------
        name
            Of the class; "" = one that is free, such as *class 3*.
        """
        number = len(self) + 1
        while not name:
            free = f"class {number}"
            name, number = ("" if free in self.names else free), number + 1
        taken = {one.key for one in self.classes}
        key = next((digit for digit in KEYS if digit not in taken), None)
        used = [one.colour for one in self.classes]
        colour = min(COLOURS, key=used.count)
        return replace(self, classes=(*self.classes, ObjectClass(name, colour, key)))

    def with_all(self, names: tuple[str, ...]) -> ClassList:
        """Return the list with a new class for each name that is not in it."""
        extended = self
        for name in names:
            if name.strip() and name.strip() not in extended.names:
                extended = extended.with_new(name)
        return extended

    def without(self, name: str) -> ClassList:
        """Return the list without a class; parameters and errors are those of `named`."""
        gone = self.named(name)
        return ClassList(tuple(one for one in self.classes if one != gone), "" if self.chosen == name else self.chosen)

    def renamed(self, name: str, new: str) -> ClassList:
        """Return the list in which a class has another name.

        Raises
        ------
        ParameterError
            If there is no such class, or another one has the new name.
        """
        changed = replace(self.named(name), name=new)
        return self._with(name, changed)

    def coloured(self, name: str, colour: str) -> ClassList:
        """Return the list in which a class has another colour."""
        return self._with(name, replace(self.named(name), colour=colour))

    def with_key(self, name: str, key: int | None) -> ClassList:
        """Return the list in which a class has another key; a class that had it gets the key that becomes free."""
        own = self.named(name)
        other = None if key is None else self.at_key(key)
        swapped = {name: replace(own, key=key)}
        if other is not None and other.name != name:
            swapped[other.name] = replace(other, key=own.key)
        return replace(self, classes=tuple(swapped.get(one.name, one) for one in self.classes))

    def choosing(self, name: str) -> ClassList:
        """Return the list with another class chosen for new objects; "" = none."""
        return replace(self, chosen=name)

    def to_json(self) -> dict[str, Any]:
        """Return the list as values that JSON knows."""
        classes = [{"name": one.name, "colour": one.colour, "key": one.key} for one in self.classes]
        return {"classes": classes, "chosen": self.chosen}

    @classmethod
    def from_json(cls, content: Any) -> ClassList:
        """Return the list that `to_json` made values of.

        Raises
        ------
        ParameterError
            If it is something else.
        """
        try:
            if not isinstance(content, Mapping):
                raise ParameterError(f"a list of classes is {type(content).__name__}; expected an object with keys")
            rows = [ObjectClass(str(row["name"]), row["colour"], row.get("key")) for row in content["classes"]]
            return cls(tuple(rows), str(content.get("chosen", "")))
        except (KeyError, TypeError, AttributeError) as error:
            raise ParameterError(f"this is no list of classes: {error!r}") from error

    def _with(self, name: str, changed: ObjectClass) -> ClassList:
        chosen = changed.name if self.chosen == name else self.chosen
        return ClassList(tuple(changed if one.name == name else one for one in self.classes), chosen)
