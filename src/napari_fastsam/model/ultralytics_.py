"""Ultralytics, imported so that it stays quiet, offline and out of other programs' way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_ENVIRONMENT = {
    # nothing is installed behind a person's back, and nothing is sent or looked up
    "YOLO_AUTOINSTALL": "False",
    "YOLO_OFFLINE": "True",
    "YOLO_VERBOSE": "False",
}

_QT = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")


@contextmanager
def imported() -> Iterator[None]:
    """Import ultralytics within this block.

    The variables that it reads at its first import are set for that moment only. opencv-python, which comes with it,
    points Qt at plugins of its own when it is imported before Qt; those variables are put back too, so that napari
    starts in whatever order things are imported.
    """
    from napari_fastsam.model.weights import cache_folder

    # a settings file of our own, so that the person's is neither created nor changed
    settings = {"YOLO_CONFIG_DIR": str(cache_folder() / "ultralytics")}
    before = {name: os.environ.get(name) for name in (*_ENVIRONMENT, *settings, *_QT)}
    for name, value in (_ENVIRONMENT | settings).items():
        if name not in os.environ:
            os.environ[name] = value
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint with ultralytics' restricted loader: a file from a stranger cannot run code.

    Raises
    ------
    TypeError, RuntimeError, OSError, EOFError, ValueError, ImportError, AttributeError, KeyError
        Whatever the loader says of a file that it refuses or cannot read.
    RuntimeError
        If this torch is too old for the restricted loader.
    """
    with imported():
        import torch
        from ultralytics.nn.tasks import torch_safe_load

        # without this function ultralytics would fall back to the unrestricted loader
        if not hasattr(torch.serialization, "get_unsafe_globals_in_checkpoint"):
            raise RuntimeError(
                f"torch {torch.__version__} cannot load checkpoints safely; install torch 2.6 or newer"
            )
        checkpoint, _ = torch_safe_load(str(path), safe_only=True)
    return dict(checkpoint)
