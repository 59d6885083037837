"""What tests of several modules share: the sample with its ground truth, and a machine that stays untouched."""

from __future__ import annotations

import own_settings

# isort: split

import gc
import importlib
import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import imageio.v3 as iio
import napari.settings
import numpy as np
import pytest
from napari.layers import Image
from pytestqt.qtbot import QtBot

from dsb2018 import PIECE, annotated_folder
from napari_fastsam.model.network.torch_ import import_torch_beside_a_viewer


def _own_screen() -> subprocess.Popen[str] | None:
    """Give each of several processes that test side by side a virtual screen of its own.

    Windows on one screen would take the keyboard from each other.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ or os.environ.get("VISIBLE") == "1" or shutil.which("Xvfb") is None:
        return None
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1600x1000x24", "-nolisten", "tcp"]
    screen = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    os.environ["DISPLAY"] = f":{screen.stdout.readline().strip()}"
    os.environ.pop("XAUTHORITY", None)
    return screen


_SCREEN = _own_screen()

# Shells start what runs in the background deaf to Ctrl-C, and the programs that tests stop by it would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure() -> None:
    own_settings.remove()
    if _SCREEN is not None:
        _SCREEN.terminate()
        _SCREEN.communicate()


# Ultralytics' predictors, which some tests compare with, import torchvision and so triton. Its LLVM crashes the
# process when Mesa's has drawn OpenGL before, as on a virtual screen: let it come first. The package needs neither.
import_torch_beside_a_viewer()
importlib.import_module("torchvision")

# Machines that run tests are busy: a slow example is no failure.
hypothesis.settings.register_profile("napari-fastsam", deadline=None)
hypothesis.settings.load_profile("napari-fastsam")

DATA = Path(__file__).parent / "data"

PATIENCE_MS = 120_000
"""How long a test waits for what has to come, at least: mostly it comes within milliseconds."""


class PatientBot(QtBot):
    """Waits longer: whoever waits for an event is in no hurry."""

    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = PATIENCE_MS) -> None:
        super().waitUntil(callback, timeout=max(timeout, PATIENCE_MS))


@pytest.fixture
def qtbot(qapp: object, request: pytest.FixtureRequest) -> QtBot:
    """pytest-qt's, with patience."""
    return PatientBot(request)


_TESTS_A_COLLECTION = 8
"""Tests with a viewer between two collections of all garbage."""

_since_collection = itertools.count(1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Take what is there before a viewer opens out of the collections to come: torch and napari, at the first one."""
    yield
    if _has_viewer(item):
        gc.collect()
        gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Take what a viewer leaves behind out of the collections to come.

    napari collects garbage whenever layers and viewers go, and some of each viewer stays (the actions of its menus):
    after a hundred viewers most of the time would go into walking through that, and through torch. Some is let go of
    only after its test, and is looked for now and then, or a process would grow by the planes of every test.
    """
    yield
    if _has_viewer(item):
        if next(_since_collection) % _TESTS_A_COLLECTION == 0:
            gc.unfreeze()
        gc.collect()
        gc.freeze()


def _has_viewer(item: pytest.Item) -> bool:
    return "make_napari_viewer" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory):
    """Keep the person's weights and ultralytics' settings out of the tests, and the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAPARI_FASTSAM_CACHE", str(tmp_path_factory.mktemp("weights")))
        patch.setenv("NAPARI_FASTSAM_MODELS", str(tmp_path_factory.mktemp("models")))
        patch.setenv("NAPARI_FASTSAM_TRUSTED", str(tmp_path_factory.mktemp("trusted") / "trusted.txt"))
        patch.setenv("YOLO_CONFIG_DIR", str(tmp_path_factory.mktemp("ultralytics")))
        yield


@pytest.fixture(autouse=True)
def _nothing_left_behind(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Give each test a folder of its own for what is annotated and not saved: none finds what another one left."""
    name = f"data-{abs(hash(request.node.nodeid))}"
    monkeypatch.setenv("NAPARI_FASTSAM_DATA", str(tmp_path_factory.getbasetemp() / name))


@pytest.fixture(scope="session")
def small_clip() -> Path:
    """The weights of a CLIP that knows the colours and forms of `rendered` (see tests/data/clip/README.md)."""
    return DATA / "clip" / "small_clip.pt"


@pytest.fixture
def with_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with the images that the examples name."""
    from napari_fastsam import samples

    for name, file in (
        ("nuclei.png", "fluorescence_nuclei.png"),
        ("tissue.png", "stained_tissue.png"),
        ("stack.tif", "nuclei_3d.tif"),
    ):
        shutil.copy(samples.SAMPLE_FOLDER / file, tmp_path / name)
    kinds = {"dense": "fluorescence", "sparse": "fluorescence", "tissue": "stained"}
    annotated_folder(tmp_path / "annotated", kinds, PIECE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture(scope="session")
def fluorescence() -> np.ndarray:
    """The fluorescence sample: (Y, X) = (520, 696), uint8. Do not write into it."""
    from napari_fastsam.samples import fluorescence_nuclei

    ((image, _, _),) = fluorescence_nuclei()
    image.setflags(write=False)
    return image


@pytest.fixture(scope="session")
def fluorescence_truth() -> np.ndarray:
    """Its nuclei as drawn by hand: (Y, X) int, 0 = background, 1 to 107."""
    truth = iio.imread(DATA / "samples" / "fluorescence_nuclei_labels.png").astype(np.int32)
    truth.setflags(write=False)
    return truth


if not hasattr(napari.settings, "get_plugin_settings"):

    @pytest.fixture
    def plugin_settings() -> None:
        """napari before 0.9 keeps no settings of plugins, so that there are none to be set aside for a test."""


@pytest.fixture
def settings_of(plugin_settings: None) -> Callable[[str], Any]:
    """Return what gives the settings that napari keeps for a plugin."""
    if not hasattr(napari.settings, "get_plugin_settings"):
        pytest.skip(f"napari {napari.__version__} keeps no settings of plugins: 0.9 and later do")
    return napari.settings.get_plugin_settings


@pytest.fixture
def stay_at_level() -> Callable[[Image, int], None]:
    """Return what lets a pyramid be shown at one of its levels, whatever the zoom."""

    def stay(image: Image, level: int) -> None:
        image.locked_data_level = level

    return stay


@pytest.fixture
def follow_contrast() -> Callable[[Image], None]:
    """Return what lets an image's contrast limits follow the plane shown, as *continuous* in its controls does."""

    def follow(image: Image) -> None:
        if hasattr(image, "auto_contrast"):
            image.auto_contrast = True
        else:  # before napari 0.9, where its controls alone set it
            image._keep_auto_contrast = True

    return follow
