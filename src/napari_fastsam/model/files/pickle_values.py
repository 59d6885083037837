"""What a pickle that is not run comes out as: names that are not looked up, and objects that are not made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any


class UnreadableError(Exception):
    """A file is damaged, or of another kind; the text says how."""


class RefusedError(UnreadableError):
    """A file holds what is not read from files; `name` says what, such as ``posix.system``."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


@dataclass(frozen=True)
class Name:
    """A class or function that a pickle names. It is not looked up."""

    module: str
    name: str

    @cached_property
    def full(self) -> str:
        """Module and name with a dot between them."""
        return f"{self.module}.{self.name}"

    def __str__(self) -> str:
        return self.full


@dataclass(eq=False, slots=True)
class PickledObject:
    """An object that was not made.

    Attributes
    ----------
    name
        Of its class, or of the function that would have made it.
    args
        What that would have been given.
    state
        Its attributes, or whatever its class has for that; None = none were set.
    items
        What would have been appended, or set as pairs of key and value.
    """

    name: Name
    args: tuple[Any, ...] = ()
    state: Any = None
    items: list[Any] | None = None

    def __repr__(self) -> str:
        return f"<{self.name}>"


_PLAIN = (str, int, float, bytes, Name, PickledObject, type(None))
_MAX_KEY = 16
"""Parts of a tuple that is a key."""


def as_key(value: Any) -> Any:
    """Return a value that a dictionary or set may have as its key.

    Tuples within tuples can take forever to hash, though they were written in a few bytes.

    Raises
    ------
    UnreadableError
        If it is not a plain value, or a tuple of such.
    """
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, tuple) and len(value) <= _MAX_KEY and all(isinstance(v, _PLAIN) for v in value):
        return value
    raise UnreadableError(f"a {type(value).__name__} is a key or a member of a set")


def is_within(name: str, prefixes: tuple[str, ...]) -> bool:
    """Say whether a full name is one of `prefixes`, or inside one."""
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)
