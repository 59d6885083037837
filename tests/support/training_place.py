"""A folder to train in, with a cache of its own, and trainings that are short."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dsb2018 import PIECE, copy_annotated
from napari_fastsam.cli import app

PROGRAM = [sys.executable, "-m", "napari_fastsam"]

SMALL = ["--base", "yolov8n-seg.yaml", "--imgsz", "64", "--batch", "16", "--device", "cpu"]


def copy(folder: Path, *stems: str) -> Path:
    return copy_annotated(folder, stems, PIECE)


@dataclass(frozen=True)
class Place:
    """A machine as somebody has it: a working directory, a cache, and data elsewhere."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def here(self) -> Path:
        return self.root / "here"

    @property
    def broken_off(self) -> list[Path]:
        """Folders of trainings that did not end."""
        folder = self.root / "cache" / "training"
        return list(folder.iterdir()) if folder.is_dir() else []

    def arguments(self, *arguments: object) -> dict[str, Any]:
        return {
            "args": [*PROGRAM, "train", str(self.data), *map(str, arguments)],
            "cwd": self.here,
            "text": True,
            "env": {
                **os.environ,
                "NAPARI_FASTSAM_CACHE": str(self.root / "cache"),
                "OMP_NUM_THREADS": "1",
                "COLUMNS": "200",
                "PYTHONUNBUFFERED": "1",
            },
        }

    def train(self, *arguments: object) -> Result:
        """The command within this process."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.here)
            patch.setenv("NAPARI_FASTSAM_CACHE", str(self.root / "cache"))
            return CliRunner().invoke(app, ["train", *map(str, arguments)], env={"COLUMNS": "200"})

    @contextmanager
    def training(self, *arguments: object) -> Iterator[subprocess.Popen[str]]:
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with subprocess.Popen(**self.arguments(*arguments), **pipes) as process:
            try:
                yield process
            finally:
                process.kill()


def place(root: Path) -> Place:
    made = Place(root)
    made.here.mkdir(parents=True)
    copy(made.data, "sparse", "wide")
    return made
