"""Ultralytics, imported so that it stays quiet, offline and out of other programs' way."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_READ_BY_ULTRALYTICS = {
    # nothing is installed behind a person's back, and nothing is sent or looked up
    "YOLO_AUTOINSTALL": "False",
    "YOLO_OFFLINE": "True",
    "YOLO_VERBOSE": "False",
}

_SET_BY_ULTRALYTICS = (
    # to 1, which would slow down whatever is imported or started later
    # (https://github.com/ultralytics/ultralytics/pull/13158)
    "OMP_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "TF_CPP_MIN_LOG_LEVEL",
    "TORCH_CPP_LOG_LEVEL",
    "KINETO_LOG_LEVEL",
)

# https://github.com/opencv/opencv-python/issues/736
_SET_BY_OPENCV = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR", "LD_LIBRARY_PATH")

_importing = threading.RLock()


@contextmanager
def imported() -> Iterator[None]:
    """Import ultralytics or opencv within this block; nothing happens here once both are there.

    The variables that ultralytics reads at its first import are set for that moment only. What it and opencv-python,
    which comes with it, leave behind in the process is put back: the number of threads of OpenMP and OpenCV, numpy's
    way of printing, and where Qt looks for its plugins, so that napari starts in whatever order things are imported.
    """
    if "ultralytics" in sys.modules and "cv2" in sys.modules:
        yield
        return
    import numpy as np
    import torch  # noqa: F401  # before ultralytics, which would give it a single thread

    from napari_fastsam.model.weights.weights import cache_folder

    # a settings file of our own, so that the person's is neither created nor changed
    ours = _READ_BY_ULTRALYTICS | {"YOLO_CONFIG_DIR": str(cache_folder() / "ultralytics")}
    with _importing, np.printoptions():
        before = {name: os.environ.get(name) for name in (*ours, *_SET_BY_ULTRALYTICS, *_SET_BY_OPENCV)}
        os.environ.update(ours)
        try:
            import cv2

            # set to one by ultralytics: https://github.com/ultralytics/ultralytics/issues/7750
            threads = cv2.getNumThreads()
            yield
            cv2.setNumThreads(threads)
        finally:
            _restore(before)


def _restore(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
