"""The command line as a person types it, with the bundled model."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner, Result

import napari_fastsam as fs
from napari_fastsam.cli import app
from napari_fastsam.io.formats.registry import read_labels
from napari_fastsam.model.weights import weights
from napari_fastsam.samples import SAMPLE_FOLDER

TISSUE = SAMPLE_FOLDER / "stained_tissue.png"
NUCLEI = SAMPLE_FOLDER / "fluorescence_nuclei.png"
ON_NUCLEI_XY = [(94, 126), (244, 147)]
"""Each the middle of a nucleus of the fluorescence sample."""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    return fs.load_model("nuclei").segment(iio.imread(TISSUE)).to_labels()


def test_everything_in_one_image_is_what_the_python_face_finds(tmp_path: Path, expected: np.ndarray) -> None:
    result = run("segment", TISSUE, "-o", tmp_path / "new" / "folder", "--device", "cpu")
    assert result.exit_code == 0, result.output
    labels = tifffile.imread(tmp_path / "new" / "folder" / "stained_tissue_labels.tif")
    np.testing.assert_array_equal(labels, expected)
    assert labels.dtype == np.uint8
    assert f"{len(np.unique(expected)) - 1} objects in " in result.stdout
    assert [p.name for p in (tmp_path / "new" / "folder").iterdir()] == ["stained_tissue_labels.tif"]


def test_points_and_boxes_are_x_y_and_labels_count_them(tmp_path: Path) -> None:
    points = str([list(p) for p in ON_NUCLEI_XY])
    result = run("segment", NUCLEI, "-o", tmp_path, "--points", points, "--boxes", "[[442,345,52,61]]")
    assert result.exit_code == 0, result.output
    labels = tifffile.imread(tmp_path / "fluorescence_nuclei_labels.tif")
    for number, (x, y) in enumerate(ON_NUCLEI_XY, start=1):
        assert labels[y, x] == number
    rows, columns = np.nonzero(labels == 3)
    assert abs(rows.mean() - (345 + 61 / 2)) < 6
    assert abs(columns.mean() - (442 + 52 / 2)) < 6
    assert set(np.unique(labels)) == {0, 1, 2, 3}


def test_a_box_in_the_other_format_is_the_same_object(tmp_path: Path) -> None:
    for name, box, form in [("a", "[[442,345,52,61]]", "xywh"), ("b", "[[442,345,494,406]]", "xyxy")]:
        assert run("segment", NUCLEI, "-o", tmp_path / name, "--boxes", box, "--box-format", form).exit_code == 0
    a, b = (tifffile.imread(tmp_path / name / "fluorescence_nuclei_labels.tif") for name in "ab")
    assert a.any()
    np.testing.assert_array_equal(a, b)


def test_a_background_point_has_no_object(tmp_path: Path) -> None:
    points = str([list(p) for p in ON_NUCLEI_XY])
    result = run("segment", NUCLEI, "-o", tmp_path, "--points", points, "--point-labels", "[1,0]")
    assert result.exit_code == 0, result.output
    labels = tifffile.imread(tmp_path / "fluorescence_nuclei_labels.tif")
    (x, y), (other_x, other_y) = ON_NUCLEI_XY
    assert (labels[y, x], labels[other_y, other_x], labels.max()) == (1, 0, 1)


def test_a_prompt_that_finds_nothing_is_named_with_the_reason(tmp_path: Path) -> None:
    points = str([list(ON_NUCLEI_XY[0]), [5000, 5000]])
    result = run("segment", NUCLEI, "-o", tmp_path, "--points", points)
    assert result.exit_code == 0, result.output
    assert "1 object in" in result.stdout
    assert "  point 2: nothing found, outside the image of 520 × 696 pixels\n" in result.stdout
    assert "point 1:" not in result.stdout


def test_two_prompts_for_one_object_leave_one_and_say_so(tmp_path: Path) -> None:
    x, y = ON_NUCLEI_XY[0]
    result = run("segment", NUCLEI, "-o", tmp_path, "--points", f"[[{x},{y}],[{x + 1},{y}]]")
    assert result.exit_code == 0, result.output
    assert "1 object in" in result.stdout
    assert result.stdout.count(": its object is covered by that of another prompt") == 1


def test_areas_leave_objects_out(tmp_path: Path, expected: np.ndarray) -> None:
    areas = np.bincount(expected.ravel())[1:]
    least, most = np.percentile(areas, [30, 70]).round()
    result = run("segment", TISSUE, "-o", tmp_path, "--min-area", least, "--max-area", most)
    assert result.exit_code == 0, result.output
    found = len(np.unique(tifffile.imread(tmp_path / "stained_tissue_labels.tif"))) - 1
    assert 0 < found < len(areas)


def test_areas_hold_for_prompts_too(tmp_path: Path) -> None:
    result = run("segment", NUCLEI, "-o", tmp_path, "--points", str([list(ON_NUCLEI_XY[0])]), "--max-area", 10)
    assert result.exit_code == 0, result.output
    assert "0 objects" in result.stdout
    assert not tifffile.imread(tmp_path / "fluorescence_nuclei_labels.tif").any()


def test_an_overlay_on_request(tmp_path: Path, expected: np.ndarray) -> None:
    assert run("segment", TISSUE, "-o", tmp_path, "--overlay").exit_code == 0
    drawn, image = iio.imread(tmp_path / "stained_tissue_overlay.png"), iio.imread(TISSUE)[..., :3]
    assert drawn.shape == image.shape
    assert not (drawn != image).any(axis=2)[expected == 0].any()
    assert (drawn != image).any(axis=2)[expected > 0].any()


def test_the_file_says_how_it_came_about(tmp_path: Path) -> None:
    assert run("segment", TISSUE, "-o", tmp_path, "--conf", 0.4, "--boxes", "[[1,2,30,40]]").exit_code == 0
    said = read_labels(tmp_path / "stained_tissue_labels.tif").provenance[0].to_json()
    assert (said["model"], said["conf"], said["image"]) == ("nuclei", 0.4, "stained_tissue.png")
    assert said["prompts"]["boxes_yxyx"] == [[2, 1, 42, 31]]
    assert said["model_sha256"] == weights.sha256_of(weights.find("nuclei"))


def test_a_stack_needs_a_plane(tmp_path: Path) -> None:
    stack = SAMPLE_FOLDER / "nuclei_3d.tif"
    result = run("segment", stack, "-o", tmp_path)
    assert result.exit_code == 2
    assert "--plane 0 to 30" in result.stderr
    assert list(tmp_path.iterdir()) == []
    assert run("segment", stack, "-o", tmp_path, "--plane", 15).exit_code == 0
    assert tifffile.imread(tmp_path / "nuclei_3d_labels.tif").shape == (61, 57)


def test_an_unreadable_image_among_several_is_told_and_the_rest_is_done(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(NUCLEI.read_bytes()[:5000])
    out = tmp_path / "out"
    result = run("segment", TISSUE, broken, tmp_path / "missing.tif", NUCLEI, "-o", out)
    assert result.exit_code == 2
    errors = result.stderr.strip().splitlines()
    assert len(errors) == 2
    assert str(broken) in errors[0]
    assert "missing.tif" in errors[1]
    assert sorted(p.name for p in out.iterdir()) == [
        "fluorescence_nuclei_labels.tif",
        "stained_tissue_labels.tif",
    ]
    assert "2 images, 2 failed" in result.stdout


def test_several_images_end_in_a_table_with_the_sum(tmp_path: Path) -> None:
    result = run("segment", TISSUE, NUCLEI, "-o", tmp_path)
    assert result.exit_code == 0, result.output
    counts = [len(np.unique(tifffile.imread(p))) - 1 for p in tmp_path.iterdir()]
    total = next(line for line in result.stdout.splitlines() if " all " in line)
    assert f" {sum(counts)} " in total


def test_images_of_the_same_name_get_results_of_different_names(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        iio.imwrite(tmp_path / folder / "x.png", iio.imread(TISSUE)[:64, :64])
    result = run(
        "segment", tmp_path / "a" / "x.png", tmp_path / "b" / "x.png", tmp_path / "a" / "x.png", "-o", tmp_path
    )
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in tmp_path.glob("*.tif")) == ["a_x_labels.tif", "b_x_labels.tif"]


def test_a_result_that_is_there_is_replaced_and_that_is_said(tmp_path: Path) -> None:
    assert "(replaced)" not in run("segment", TISSUE, "-o", tmp_path).stdout
    assert "(replaced)" in run("segment", TISSUE, "-o", tmp_path).stdout


def test_an_image_to_segment_is_never_overwritten(tmp_path: Path) -> None:
    image, labels = tmp_path / "x.tif", tmp_path / "x_labels.tif"
    tifffile.imwrite(image, np.zeros((64, 64), np.uint8))
    tifffile.imwrite(labels, np.zeros((64, 64), np.uint8))
    before = labels.read_bytes()
    result = run("segment", image, labels, "-o", tmp_path)
    assert result.exit_code == 2
    assert "would overwrite" in result.stderr
    assert labels.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--points", "[[1, 2]"], "not JSON"),
        (["--points", "[[1, 2]]", "--point-labels", "[1, 1]"], "point_labels"),
        (["--boxes", "[[1, 2, 3]]"], "boxes"),
        (["--conf", "1.5"], "conf is 1.5"),
        (["--conf", "nan"], "conf is nan"),
        (["--iou", "-1"], "iou is -1"),
        (["--min-area", "9", "--max-area", "3"], "nothing could pass"),
        (["--imgsz", "7"], "imgsz is 7"),
        (["--plane", "first"], "plane is 'first'"),
        (["--device", "tpu"], "device is 'tpu'"),
        (["--model", "nucle"], "did you mean nuclei?"),
        (["--model", "missing.pt"], "there is no file"),
        (["-o", str(NUCLEI)], "in the way"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(Path(v).name for v in value),
)
def test_a_wrong_option_is_one_line_and_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("segment", TISSUE, *options)
    assert result.exit_code == 2, result.output
    assert says in result.stderr
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_version() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout.strip()) == (0, f"napari-fastsam {fs.__version__}")


@pytest.mark.parametrize("command", [[], ["segment"], ["demo"], ["models"], ["models", "download"]])
def test_help_keeps_its_brackets(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    if command == ["segment"]:
        assert "[[x, y], …]" in result.stdout


def test_models_list_says_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.CACHE_VARIABLE, str(tmp_path))
    lines = run("models", "list").stdout.splitlines()
    for name, state in [
        ("nuclei", "bundled"),
        ("microscopy", "bundled"),
        ("FastSAM-s", "not downloaded"),
        ("FastSAM-x", "not downloaded"),
    ]:
        assert any(name in line and state in line for line in lines)


def test_models_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.CACHE_VARIABLE, str(tmp_path))
    assert run("models", "path").stdout.strip() == str(tmp_path)
    assert run("models", "path", "nuclei").stdout.strip() == str(weights.find("nuclei"))
    missing = run("models", "path", "FastSAM-s")
    assert missing.exit_code == 2
    assert "models download FastSAM-s" in missing.stderr


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[bytes]:
    """A model called Tiny that a server on this machine has, and an empty cache."""
    body = b"weights" * 10_000
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "tiny.pt").write_bytes(body)
    monkeypatch.setenv(weights.CACHE_VARIABLE, str(tmp_path / "cache"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "www"))) as server:
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/tiny.pt"
        digest = hashlib.sha256(body).hexdigest()
        tiny = weights.Weights("Tiny", "tiny.pt", len(body), digest, url, "none", "for tests")
        monkeypatch.setattr(weights, "REGISTRY", (*weights.REGISTRY, tiny))
        yield body
        server.shutdown()
        thread.join()


def test_models_download_prints_where_the_file_is(served: bytes, tmp_path: Path) -> None:
    result = run("models", "download", "tiny")
    assert result.exit_code == 0, result.output
    path = Path(result.stdout.strip())
    assert path == tmp_path / "cache" / "tiny.pt"
    assert path.read_bytes() == served
    assert any("Tiny" in line and " downloaded" in line for line in run("models", "list").stdout.splitlines())


def test_models_download_of_what_the_server_has_not(served: bytes, tmp_path: Path) -> None:
    (tmp_path / "www" / "tiny.pt").unlink()
    result = run("models", "download", "tiny")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: tiny.pt was not downloaded")
    assert "404" in result.stderr
    assert "'nuclei'" in result.stderr


def test_the_demo_runs_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The program that is started here stands for the demo: it notes its arguments and fails with 7."""
    stand_in = tmp_path / "napari_fastsam" / "demo.py"
    stand_in.parent.mkdir()
    stand_in.with_name("__init__.py").write_text("")
    stand_in.write_text("import sys; open(sys.argv[2], 'w').write(' '.join(sys.argv[1:])); sys.exit(7)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    picture = tmp_path / "picture.png"
    assert run("demo", "--screenshot", picture).exit_code == 7
    assert picture.read_text() == f"--screenshot {picture}"


def test_a_real_process_segments_without_qt_and_without_napari(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from napari_fastsam.cli import app\n"
        "try:\n"
        "    app(sys.argv[1:], prog_name='napari-fastsam')\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "names = ('qtpy', 'PyQt5', 'PyQt6', 'PySide2', 'PySide6', 'napari', 'vispy', 'magicgui', 'superqt')\n"
        "print('loaded:', sorted({m.partition('.')[0] for m in sys.modules} & set(names)))\n"
        "print('torch:', 'torch' in sys.modules)\n"
    )
    for arguments, torch in [(["segment", str(TISSUE), "-o", str(tmp_path)], True), (["models", "list"], False)]:
        command = [sys.executable, "-c", script, *arguments]
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        assert ran.stdout.splitlines()[-2:] == ["loaded: []", f"torch: {torch}"]
    assert (tmp_path / "stained_tissue_labels.tif").is_file()


@pytest.fixture
def two_channels(tmp_path: Path) -> Path:
    """Nuclei in channel 1 of a TIFF; in channel 0 the same ones, dim and a little aside."""
    nuclei = iio.imread(NUCLEI)[:200, :260]
    nuclei = nuclei if nuclei.ndim == 2 else nuclei[..., 0]
    aside = np.roll(nuclei // 3, 5, axis=1)
    path = tmp_path / "cells.ome.tif"
    tifffile.imwrite(path, np.stack([aside, nuclei]).astype(np.uint16), metadata={"axes": "CYX"})
    return path


def test_a_channel_or_several_are_chosen(two_channels: Path, tmp_path: Path) -> None:
    channels, model = tifffile.imread(two_channels), fs.load_model("nuclei", device="cpu")
    result = run("segment", two_channels, "-o", tmp_path, "--channel", 1)
    assert result.exit_code == 0, result.output
    alone = tifffile.imread(tmp_path / "cells_labels.tif")
    np.testing.assert_array_equal(alone, fs.segment(model, channels[1]).to_labels())
    result = run("segment", two_channels, "-o", tmp_path, "--channel", 0, "--channel", 1)
    assert result.exit_code == 0, result.output
    together = tifffile.imread(tmp_path / "cells_labels.tif")
    np.testing.assert_array_equal(together, fs.segment(model, channels, channels=(0, 1)).to_labels())
    assert together.max() > 3


def test_a_channel_that_is_not_there_is_named(two_channels: Path, tmp_path: Path) -> None:
    result = run("segment", two_channels, "-o", tmp_path, "--channel", 2)
    assert result.exit_code == 2
    assert "there is no channel 2; the image has channels 0 to 1" in result.output


def test_a_recipe_says_which_channels_are_seen(two_channels: Path, tmp_path: Path) -> None:
    from napari_fastsam.core.recipe import Parameters, Recipe
    from napari_fastsam.io.images.inputs import Input
    from napari_fastsam.runs.work import do_image

    recipe = Recipe(parameters=Parameters(channels=(1, 0)))
    do_image(recipe, Input(two_channels, channels=(1, 0)), tmp_path / "labels.tif")
    model = fs.load_model("nuclei")
    expected = fs.segment(model, tifffile.imread(two_channels), channels=(1, 0))
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "labels.tif"), expected.to_labels())
