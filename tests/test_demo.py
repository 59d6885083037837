"""The demo: prompts that lie on nuclei, and the whole of it as ``make demo`` runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import imageio.v3 as iio
import numpy as np
import pytest

from napari_fastsam import demo


def test_each_point_lies_on_a_nucleus_of_its_own(fluorescence_truth):
    nuclei = fluorescence_truth[tuple(np.transpose(demo.POINTS_YX))]

    assert (nuclei > 0).all()
    assert len(set(nuclei)) == len(demo.POINTS_YX)


def test_the_box_holds_one_nucleus_that_no_point_is_on(fluorescence_truth):
    y0, x0, y1, x1 = (round(edge) for edge in demo.BOX_YX)
    inside = fluorescence_truth[y0:y1, x0:x1]
    boxed = np.bincount(inside[inside > 0]).argmax()

    assert (inside == boxed).sum() == (fluorescence_truth == boxed).sum(), "the box cuts the nucleus"
    assert (inside == boxed).sum() > 0.9 * (inside > 0).sum(), "more than one nucleus"
    assert boxed not in fluorescence_truth[tuple(np.transpose(demo.POINTS_YX))]


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        pytest.param("linux", {}, True, id="linux without a screen"),
        pytest.param("linux", {"DISPLAY": ""}, True, id="linux with an empty DISPLAY"),
        pytest.param("linux", {"DISPLAY": ":0"}, False, id="X"),
        pytest.param("linux", {"WAYLAND_DISPLAY": "wayland-0"}, False, id="Wayland"),
        pytest.param("darwin", {}, False, id="macOS"),
        pytest.param("win32", {}, False, id="Windows"),
    ],
)
def test_a_virtual_screen_is_taken_where_there_is_none(platform, environment, expected):
    assert demo.needs_virtual_screen(platform, environment) is expected


def test_without_xvfb_it_says_what_to_install(tmp_path):
    done = _demo("--screenshot", tmp_path / "never.png", PATH=str(tmp_path))

    assert done.returncode == 1
    assert "apt-get install -y xvfb xauth" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere a window opens on the person's screen")
def test_without_a_display_it_segments_and_leaves_a_picture(tmp_path):
    assert shutil.which("xvfb-run"), "xvfb is part of what make setup installs"
    picture = tmp_path / "new folder" / "demo.png"

    done = _demo("--screenshot", picture, PATH=os.environ["PATH"])

    assert done.returncode == 0, done.stderr
    last = done.stdout.strip().splitlines()[-3:]
    assert last[0] == f"Screenshot: {picture}"
    # Every prompt is on a nucleus that the bundled model finds.
    assert last[1].startswith(f"Objects found: {len(demo.POINTS_YX) + 1} ")
    assert re.match(r"Times: .*\d s", last[2])
    pixels = iio.imread(picture)
    assert pixels.shape[0] >= 600
    assert pixels.shape[1] >= 1000
    canvas = pixels[200:600, 350:900, :3].astype(int)
    coloured = np.ptp(canvas, axis=-1) > 60
    assert coloured.sum() > 1000, "no object in colour on the canvas"


def _demo(*arguments: object, PATH: str) -> subprocess.CompletedProcess[str]:
    """Run the demo in a process that has no display, as ``make demo`` does on a server."""
    environment = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    return subprocess.run(
        [sys.executable, "-m", "napari_fastsam.demo", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**environment, "PATH": PATH},
    )
