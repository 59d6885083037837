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


@contextmanager
def each_layer_asks(network: Callable[..., Any]) -> Iterator[None]:
    """Have each layer of a network ask first whether its result is still wanted, if this thread may be interrupted.

    The hooks are there for one pass only: a network that is copied or saved does not take them along.
    """
    if getattr(_here, "unwanted", None) is None:
        yield
        return
    layers: Iterator[nn.Module] = getattr(network, "modules", lambda: iter(()))()  # an exported one has none
    hooks = [layer.register_forward_pre_hook(_ask) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _ask(*_: Any) -> None:
    unwanted = getattr(_here, "unwanted", None)
    if unwanted is not None and unwanted():
        raise Interrupted
