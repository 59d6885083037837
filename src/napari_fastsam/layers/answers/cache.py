"""What the network said about planes, kept as long as it fits."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from napari_fastsam.model.asking.answer import Look
from napari_fastsam.model.asking.large import LargeLook

MEGABYTE = 1 << 20


class LookCache:
    """Looks by key; the one that was not used for the longest time goes first. For any thread.

    Parameters
    ----------
    limit
        Bytes that all together may take. The latest stays even if it alone takes more.
    """

    def __init__(self, limit: int = 512 * MEGABYTE) -> None:
        self.limit = limit
        self._looks: OrderedDict[Hashable, Look | LargeLook] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Look | LargeLook | None:
        """Return what is kept under `key`, or None."""
        with self._lock:
            look = self._looks.get(key)
            if look is not None:
                self._looks.move_to_end(key)
            return look

    def put(self, key: Hashable, look: Look | LargeLook) -> None:
        """Keep a look, and drop the oldest ones that no longer fit."""
        with self._lock:
            self._looks[key] = look
            self._looks.move_to_end(key)
            self._trim()

    def trim(self) -> None:
        """Drop the oldest looks if they no longer fit: those that are kept grow as more is asked of them."""
        with self._lock:
            self._trim()

    def _trim(self) -> None:
        while len(self._looks) > 1 and sum(kept.nbytes for kept in self._looks.values()) > self.limit:
            self._looks.popitem(last=False)

    def forget(self, outdated: Callable[[Hashable], bool]) -> None:
        """Drop all whose key is outdated."""
        with self._lock:
            for key in [key for key in self._looks if outdated(key)]:
                del self._looks[key]

    def __len__(self) -> int:
        """Return how many looks are kept."""
        return len(self._looks)
