"""What the benchmarks share, and the table at the end: each figure beside what it is held against.

Timings depend on the machine and on what else runs there, so every bound that can be is a ratio of two things timed
alternately in this process. Nothing is asserted about time: a figure that is not reached says so in the table.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from skimage.io import imread

from napari_fastsam.model.network.torch_ import import_torch_beside_a_viewer

# Ultralytics' predictors, which some benchmarks compare with, import torchvision and so triton. Its LLVM crashes the
# process when Mesa's has drawn OpenGL before, as on a virtual screen: let it come first. The package needs neither.
import_torch_beside_a_viewer()
importlib.import_module("torchvision")

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Figure:
    """One line of the table; `bound` is what is wanted, `at_least` its direction."""

    what: str
    value: float
    unit: str
    bound: float | None = None
    at_least: bool = False
    note: str = ""

    def cells(self) -> tuple[str, str, str, str]:
        if self.bound is None:
            return self.what, f"{self.value:.3g} {self.unit}", "", self.note
        reached = self.value >= self.bound if self.at_least else self.value <= self.bound
        wanted = f"{'≥' if self.at_least else '≤'} {self.bound:g} {self.unit}"
        return (
            self.what,
            f"{self.value:.3g} {self.unit}",
            wanted,
            ("reached" if reached else "NOT reached") + (f"; {self.note}" if self.note else ""),
        )


_FIGURES: list[Figure] = []


@pytest.fixture
def figure() -> Callable[..., None]:
    """Add a line to the table."""

    def add(*args, **kwargs) -> None:
        _FIGURES.append(Figure(*args, **kwargs))

    return add


def pytest_terminal_summary(terminalreporter) -> None:
    if not _FIGURES:
        return
    rows = [("figure", "measured", "wanted", ""), *(f.cells() for f in _FIGURES)]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    terminalreporter.section("figures")
    for row in rows:
        terminalreporter.write_line(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


@pytest.fixture(scope="session")
def model():
    import napari_fastsam as fs

    return fs.load_model("nuclei", device="cpu")


@pytest.fixture(scope="session")
def sparse():
    """1024 × 1024 uint8, about 230 objects."""
    return imread(DATA / "sparse.png")


@pytest.fixture(scope="session")
def dense():
    """1024 × 1024 uint8, more than 400 objects."""
    return imread(DATA / "dense.png")
