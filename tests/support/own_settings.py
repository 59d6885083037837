"""Settings of napari that are no person's: keys that somebody has changed would be other keys for the tests.

Imported before napari, which reads where its settings lie when it is imported itself.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_folder = tempfile.TemporaryDirectory(prefix="napari-settings-", ignore_cleanup_errors=True)

os.environ["NAPARI_CONFIG"] = str(Path(_folder.name) / "settings.yaml")


def remove() -> None:
    """Delete the folder that they lie in."""
    _folder.cleanup()
