"""The errors that a person can do something about.

Each message names the value, what was expected and what to do next. The dock shows it as a notification and
in its status line, the command line prints it as one line and exits with status 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class FastSAMError(Exception):
    """Base of every error that this package raises on purpose."""


class ImageError(FastSAMError, ValueError):
    """The image cannot be segmented: wrong axes, no pixels, no finite value."""


class PromptError(FastSAMError, ValueError):
    """A prompt is malformed: wrong shape, label or number of values."""


class ParameterError(FastSAMError, ValueError):
    """A threshold or size is outside its range."""


class ModelError(FastSAMError):
    """A checkpoint cannot be used: missing, truncated, unsafe, or not a segmentation model."""


class DownloadError(ModelError):
    """Weights could not be fetched, verified or stored."""


class DeviceError(FastSAMError):
    """The device that was asked for is not there."""


class LabelsError(FastSAMError, ValueError):
    """Objects cannot be written into the Labels layer that was chosen."""


class DatasetError(FastSAMError, ValueError):
    """Annotated images cannot be read: pairs that do not match, labels of another shape or kind, an unknown format."""


def check_version(content: Mapping[str, Any], known: int, what: str, error_type: type[FastSAMError]) -> None:
    """Raise an error if the values of a file are of another version than the one that this program knows."""
    version = content.get("version")
    if version != known:
        raise error_type(f"{what} has version {version!r} and this program knows {known}; update napari-fastsam")
