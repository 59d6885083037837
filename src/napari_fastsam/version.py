"""The version that is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("napari-fastsam")
except PackageNotFoundError:  # run from the sources without an installation
    __version__ = "0.0.0"
