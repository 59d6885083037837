"""Files that attack whoever opens them, made by the tests; a process that opens them is watched.

Each module registers the files of its doors with `hostile`. The payloads do nothing worse than leave a file called
``ran`` in the current folder, read ``bait``, or call this machine.
"""

from __future__ import annotations

from hostile import archives, checkpoints, descriptions, exports, networks, pickles, sizes, texts
from hostile.case import CASES, Case, hostile

__all__ = [
    "CASES",
    "Case",
    "archives",
    "checkpoints",
    "descriptions",
    "exports",
    "hostile",
    "networks",
    "pickles",
    "sizes",
    "texts",
]
