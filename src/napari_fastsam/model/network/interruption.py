"""A pass of a network that is abandoned between two of its layers, because nobody waits for it any more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

_here = threading.local()


class Interrupted(Exception):
    """The pass was abandoned."""


@contextmanager
def interruptible(unwanted: Callable[[], bool]) -> Iterator[None]:
    """Let passes of this thread end with `Interrupted` once they are unwanted."""
    before = getattr(_here, "unwanted", None)
    _here.unwanted = unwanted
    try:
        yield
    finally:
        _here.unwanted = before


def make_interruptible(network: nn.Module) -> None:
    """Have each layer of a network ask first whether its result is still wanted."""
    for layer in network.modules():
        layer.register_forward_pre_hook(_ask)


def _ask(*_: Any) -> None:
    unwanted = getattr(_here, "unwanted", None)
    if unwanted is not None and unwanted():
        raise Interrupted
