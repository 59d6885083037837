"""Libraries that tell their makers when they are used, imported so that they do not."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ONNX_RUNTIME_STAYS_SILENT = "ORT_DISABLE_TELEMETRY"
"""The variable that ONNX Runtime looks for when it is imported; from 1.32 on it sends statistics without it."""

_OPENVINOS_SENDER = "openvino_telemetry"
"""What OpenVINO sends statistics with, at its import already; where this module is missing it does without."""

_importing = threading.RLock()


@contextmanager
def nothing_sent() -> Iterator[None]:
    """Import ONNX Runtime or OpenVINO within this block; afterwards the process is as it was.

    What the person has set for ONNX Runtime counts. A library that somebody else has imported before is not touched.
    """
    with _importing:
        setting = os.environ.get(ONNX_RUNTIME_STAYS_SILENT)
        before = {_OPENVINOS_SENDER: sys.modules[_OPENVINOS_SENDER]} if _OPENVINOS_SENDER in sys.modules else {}
        if setting is None:
            os.environ[ONNX_RUNTIME_STAYS_SILENT] = "1"
        sys.modules[_OPENVINOS_SENDER] = None  # type: ignore[assignment]  # what Python reads as: not installed
        try:
            yield
        finally:
            if setting is None:
                del os.environ[ONNX_RUNTIME_STAYS_SILENT]
            del sys.modules[_OPENVINOS_SENDER]
            sys.modules.update(before)
