"""A process that annotates is killed a hundred times at random moments: no whole step is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WRITER = Path(__file__).with_name("killed_writer.py")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a hundred processes are made by forking one that is ready")
def test_killed_a_hundred_times_it_restores_the_last_whole_step(tmp_path):
    command = [sys.executable, str(WRITER), str(tmp_path / "annotations"), "100", "0"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert result.stdout.splitlines()[:-1] == [], result.stdout[-2000:] + result.stderr[-2000:]
    assert result.stdout.startswith("done"), result.stderr[-2000:]
