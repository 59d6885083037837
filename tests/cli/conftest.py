"""A place to train in."""

from __future__ import annotations

from pathlib import Path

import pytest

from training_place import Place, place


@pytest.fixture
def machine(tmp_path: Path) -> Place:
    return place(tmp_path)
