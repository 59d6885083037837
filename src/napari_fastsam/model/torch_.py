"""Torch, imported so that it shares the processor with a viewer."""

from __future__ import annotations

import os
import sys
from typing import Any

_WAIT = "OMP_WAIT_POLICY"


def import_torch() -> Any:
    """Import torch with OpenMP threads that sleep while they have nothing to do, and return it.

    By default they spin for a while instead. In a viewer that is a disaster: each thread that ever ran torch keeps a
    team of its own, and the window draws on the same cores, so that teams spin against each other and a pass takes
    several times as long (`benchmarks/worker_thread.py` measures it; micro-sam issue 740 met it too). The
    variable is read once, when OpenMP is loaded: it is set for that moment, and not if the person has set it or torch
    is there already.
    """
    if "torch" not in sys.modules and _WAIT not in os.environ:
        os.environ[_WAIT] = "PASSIVE"
        try:
            import torch
        finally:
            del os.environ[_WAIT]
        return torch
    import torch

    return torch
