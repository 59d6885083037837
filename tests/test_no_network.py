"""No telemetry: no command and no dock opens a socket to anywhere but this machine, nor asks for a name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from napari_fastsam.cli import app
from napari_fastsam.core.recipe import Parameters, Recipe
from napari_fastsam.io.projects.project import open_project
from napari_fastsam.io.projects.state import ImageState
from napari_fastsam.io.projects.steps import Annotation
from napari_fastsam.io.recipes import save_recipe

SUPPORT = Path(__file__).parent / "support"


def watched(folder: Path, *command: str, waits: int = 900) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run a command with every Python process of it watched; returns what it said and which addresses it called."""
    log = folder / "sockets.txt"
    log.write_text("")
    paths = [str(SUPPORT / "quiet"), *[p for p in sys.path if p]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "NAPARI_FASTSAM_SOCKETS": str(log)}
    done = subprocess.run(
        command, cwd=folder, env={**environment, "NAPARI_FASTSAM_DATA": str(folder / "data")}, capture_output=True,
        text=True, timeout=waits, check=False,
    )  # fmt: skip
    return done, log.read_text().splitlines()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, fluorescence, fluorescence_truth) -> Path:
    """Images, labels, a recipe and a dataset."""
    folder = tmp_path_factory.mktemp("quiet")
    for name, pixels in (("images", fluorescence), ("labels", fluorescence_truth.astype(np.uint16))):
        (folder / "pairs" / name).mkdir(parents=True)
        for part in ("a", "b"):
            iio.imwrite(folder / "pairs" / name / f"{part}.png", pixels[90:186, 60:156])
    shutil.copy(folder / "pairs" / "images" / "a.png", folder / "image.png")
    (folder / "annotated").mkdir()
    shutil.copy(folder / "image.png", folder / "annotated")
    project = open_project(folder / "annotated")
    kept = project.images[0].annotations()
    kept.save(Annotation(fluorescence_truth[90:186, 60:156], None, {}, {}), ImageState(state="done"))
    kept.close()
    project.close()
    save_recipe(Recipe(parameters=Parameters(contrast_limits=(0.0, 80.0))), folder / "recipe.json")
    return folder


# What is typed for each; those left out start a window, whose flow is below, or download what is asked for.
COMMANDS = {
    "models list": "models list",
    "models path": "models path nuclei",
    "models convert": "models convert {bundled} -o plain.pt",
    "models trust": "models trust nothing.torchscript",
    "formats": "formats",
    "segment": "segment image.png -o out --imgsz 96 --overlay",
    "run": "run recipe.json image.png -o ran --workers 1",
    "convert": "convert out/image_labels.tif labels.geojson",
    "evaluate": "evaluate pairs --device cpu",
    "train": "train pairs -o own.pt --base nuclei --epochs 1 --imgsz 64 --device cpu",
    "train-corrections": "train-corrections pairs -o corrector.pt --minutes 0.02 --batch 4 --device cpu",
    "export": "export --imgsz 64 -o exported.onnx",
    "replay": "replay annotated --device cpu",
}

REFUSED = ("models trust",)
"""Which of them have nothing to work on here, and say so."""


def test_all_commands_are_here():
    names = {command.name or command.callback.__name__ for command in app.registered_commands}  # type: ignore[union-attr]
    groups = {group.name for group in app.registered_groups}
    assert names | groups == {name.split()[0] for name in COMMANDS} | {"demo", "annotate"}


@pytest.fixture(scope="module")
def told(folder) -> dict[str, tuple[int, str, list[str]]]:
    """Exit status and output of each command, and which addresses it called."""
    from napari_fastsam.model.weights.weights import find

    commands = {name: command.format(bundled=find("nuclei")) for name, command in COMMANDS.items()}
    (folder / "commands.json").write_text(json.dumps(commands))
    done, lines = watched(folder, sys.executable, str(SUPPORT / "commands_flow.py"), "commands.json")
    assert done.returncode == 0, done.stderr[-3000:]
    called: dict[str, list[str]] = {name: [] for name in commands}
    for line in lines:
        if line.startswith("# "):
            now = line[2:]
        else:
            called[now].append(line)
    said = json.loads(done.stdout.splitlines()[-1])
    return {name: (*said[name], called[name]) for name in commands}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_calls_nobody(told, name):
    status, output, called = told[name]
    assert called == []
    assert status in ((2,) if name in REFUSED else (0, 3)), output


def test_the_docks_call_nobody(folder):
    done, called = watched(folder, sys.executable, str(SUPPORT / "docks_flow.py"), str(folder))
    assert called == []
    assert "objects 1" in done.stdout, done.stderr[-2000:]


def test_the_watch_hears_what_leaves_this_machine(folder):
    """Also in a child, by name and by number: nothing is sent, since connecting a datagram socket sends nothing."""
    program = (
        "import socket, subprocess, sys\n"
        "if len(sys.argv) < 2: subprocess.run([sys.executable, __file__, 'child'])\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "try: s.connect(('192.0.2.1', 9))\n"
        "except OSError: pass\n"
        "socket.create_server(('127.0.0.1', 0)).close()\n"
    )
    (folder / "calls.py").write_text(program)
    _, called = watched(folder, sys.executable, str(folder / "calls.py"))
    assert len(called) == 2
    assert all("192.0.2.1" in line for line in called)
