"""Where the user's own data lie: quick to ask, also while a dock opens."""

from __future__ import annotations

import os
from pathlib import Path


def user_folder() -> Path:
    """Return the folder of this user for what has no place beside the images; ``NAPARI_FASTSAM_DATA`` names another."""
    import platformdirs

    other = os.environ.get("NAPARI_FASTSAM_DATA")
    return Path(other) if other else Path(platformdirs.user_data_dir("napari-fastsam", appauthor=False))


def unsaved_folder() -> Path:
    """Return the folder of what is annotated on single images and was not saved."""
    return user_folder() / "unsaved"
