"""Torch, imported so that it shares the processor with a viewer."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

from napari_fastsam.errors import ModelError

_WAIT = "OMP_WAIT_POLICY"
_beside_a_viewer = False


def import_torch_beside_a_viewer() -> None:
    """Import torch with OpenMP threads that sleep while they have nothing to do.

    By default they spin, which is the faster way on a machine that does nothing else. Beside a viewer that draws on the
    same cores it is a disaster: whoever spins takes the processor from whom it waits for, and a pass takes several
    times as long (`benchmarks/bench_napari.py` measures it; micro-sam issue 740 met it too). The variable is read
    once, when OpenMP is loaded: it is set for that moment, and not if the person has set it or torch is there already.

    It is imported on a thread that ends with that. Up to pybind11 3.0.1, so in torch 2.6, the thread that imports goes
    on with the Python state that it had then. Qt's threads have a new one for each work, the old one is freed, and
    the process crashes in the next pass (pybind11 issue 2888).
    """
    global _beside_a_viewer
    _beside_a_viewer = True
    if "torch" in sys.modules:
        return
    is_ours = _WAIT not in os.environ
    if is_ours:
        os.environ[_WAIT] = "PASSIVE"
    try:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(import_module, "torch").result()
    finally:
        if is_ours:
            del os.environ[_WAIT]


def require_torch() -> None:
    """Say what to do where torch is not there, or cannot be loaded.

    Raises
    ------
    ModelError
        If it is so.
    """
    try:
        import torch  # noqa: F401
    except (ImportError, OSError) as error:  # OSError: a library of its own is missing
        raise ModelError(
            f"torch cannot be imported, so no model can be loaded ({' '.join(str(error).split())}); install it again: "
            "pip install --force-reinstall torch, or as pytorch.org says for this computer"
        ) from error


def threads_may_spin() -> bool:
    """Whether threads of other libraries, too, may spin while they have nothing to do.

    What the person has set for OpenMP counts; otherwise they may unless torch was imported for a viewer.
    """
    policy = os.environ.get(_WAIT, "").strip().casefold()
    return policy != "passive" if policy else not _beside_a_viewer
