"""Torch, imported by a work that Qt gives a thread to."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

IMPORTING = """
    import os, sys, threading
    from napari_fastsam.model.network.torch_ import import_torch_beside_a_viewer

    class Watch:
        def find_spec(self, name, path=None, target=None):
            if name == "torch":
                print("on another thread:", threading.current_thread() is not caller, os.environ["OMP_WAIT_POLICY"])

    def work():
        global caller
        caller = threading.current_thread()
        import_torch_beside_a_viewer()

    sys.meta_path.insert(0, Watch())
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    print("there:", "torch" in sys.modules, "left:", threading.active_count(), os.environ.get("OMP_WAIT_POLICY"))
"""


@pytest.mark.parametrize(("policy", "shown"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_it_is_imported_on_a_thread_that_ends_with_that(policy, shown):
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    if policy is not None:
        environment["OMP_WAIT_POLICY"] = policy
    command = [sys.executable, "-c", textwrap.dedent(IMPORTING)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=environment)
    told = [f"on another thread: True {shown}", f"there: True left: 1 {policy}"]
    assert done.stdout.splitlines() == told, done.stderr
