"""Words and examples on the command line: a rendered scene, the real network, a small CLIP, a server of our own."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import pytest
import tifffile
from rendered import Scene, render
from typer.testing import CliRunner, Result

import napari_fastsam as fs
from napari_fastsam.cli import app
from napari_fastsam.io.formats.registry import read_labels
from napari_fastsam.model.weights import weights


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def scene() -> Scene:
    return render(5)


@pytest.fixture
def picture(scene: Scene, tmp_path: Path) -> Path:
    path = tmp_path / "scene.png"
    iio.imwrite(path, scene.picture)
    return path


def middle_xy(scene: Scene, name: str, which: int = 0) -> list[int]:
    """Column and row of the middle of a shape of this kind."""
    boxes = zip(scene.instances.boxes, scene.shapes, strict=True)
    y0, x0, y1, x1 = [box for box, shape in boxes if shape.name == name][which]
    return [int(x0 + x1) // 2, int(y0 + y1) // 2]


def labelled(path: Path, scene: Scene) -> dict[str, set[int]]:
    """The kinds of shapes that have a label in their middle, with their labels."""
    labels, found = tifffile.imread(path), {}
    for box, shape in zip(scene.instances.boxes.astype(int), scene.shapes, strict=True):
        label = int(labels[(box[0] + box[2]) // 2, (box[1] + box[3]) // 2])
        if label:
            found.setdefault(shape.name, set()).add(label)
    return found


def provenance(path: Path) -> dict[str, Any]:
    return read_labels(path).provenance[0].to_json()


# ------------------------------------------------------------------------------------------------------------- segment


def test_texts_find_what_they_name(scene: Scene, picture: Path, small_clip: Path, tmp_path: Path) -> None:
    options = ["--text-encoder", small_clip, "--text-threshold", 0.3, "--device", "cpu"]
    result = run("segment", picture, "-o", tmp_path, "--text", "red circle", "--text", "blue square", *options)
    assert result.exit_code == 0, result.output
    found = labelled(tmp_path / "scene_labels.tif", scene)
    assert set(found) == {"red circle", "blue square"}
    assert f"  red circle: {len(found['red circle'])}\n" in result.stdout
    said = provenance(tmp_path / "scene_labels.tif")
    assert said["prompts"]["texts"] == ["red circle", "blue square"]
    assert said["text_threshold"] == 0.3
    objects = read_labels(tmp_path / "scene_labels.tif").objects
    assert {entry.number for entry in objects if entry.class_name == "red circle"} >= found["red circle"]
    assert all(0.3 <= entry.similarity <= 1 for entry in objects)


def test_with_classes_a_text_is_a_number(scene: Scene, picture: Path, small_clip: Path, tmp_path: Path) -> None:
    options = ["--text-encoder", small_clip, "--text-threshold", 0.3, "--classes"]
    result = run("segment", picture, "-o", tmp_path, "--text", "red circle", "--text", "blue square", *options)
    assert result.exit_code == 0, result.output
    assert labelled(tmp_path / "scene_labels.tif", scene) == {"red circle": {1}, "blue square": {2}}


def test_the_best_of_a_text_alone(scene: Scene, picture: Path, small_clip: Path, tmp_path: Path) -> None:
    result = run(
        "segment", picture, "-o", tmp_path, "--text", "red circle", "--text-best", "--text-encoder", small_clip
    )
    assert result.exit_code == 0, result.output
    assert tifffile.imread(tmp_path / "scene_labels.tif").max() == 1


def test_examples_and_counter_examples(scene: Scene, picture: Path, tmp_path: Path) -> None:
    wanted, unwanted = middle_xy(scene, "red circle"), middle_xy(scene, "blue square")
    result = run(
        "segment", picture, "-o", tmp_path, "--examples", json.dumps([wanted]),
        "--counter-examples", json.dumps([unwanted]),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    labels = tifffile.imread(tmp_path / "scene_labels.tif")
    assert labels[wanted[1], wanted[0]] > 0
    assert labels[unwanted[1], unwanted[0]] == 0
    said = provenance(tmp_path / "scene_labels.tif")
    assert said["prompts"]["examples_yx"] == [wanted[::-1]]
    assert said["example_threshold"] is None, "it goes by the number of examples"


def test_examples_are_saved_and_used_on_another_image(scene: Scene, picture: Path, tmp_path: Path) -> None:
    wanted, saved = [middle_xy(scene, "green circle", which) for which in (0, 1)], tmp_path / "green.json"
    result = run(
        "segment", picture, "-o", tmp_path, "--examples", json.dumps([*wanted, [0, 0]]), "--save-exemplars", saved
    )
    assert result.exit_code == 0, result.output
    assert "example 3: no object there" in result.stdout
    assert len(fs.load_exemplars(saved).examples) == 2
    other = render(11)
    iio.imwrite(tmp_path / "other.png", other.picture)
    result = run(
        "segment", tmp_path / "other.png", "-o", tmp_path, "--exemplars", saved, "--example-threshold", 0.3, "--classes"
    )
    assert result.exit_code == 0, result.output
    assert labelled(tmp_path / "other_labels.tif", other)["green circle"] == {1}
    assert provenance(tmp_path / "other_labels.tif")["example_threshold"] == 0.3


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--text", " ", "--text-encoder", "CLIP"], "expected words"),
        (["--text", "red", "--text-encoder", "missing.pt"], "there is no file"),
        (["--text", "red"], "models download ViT-B/32"),
        (["--text", "red", "--text-encoder", "CLIP", "--text-threshold", "2"], "text_threshold is 2"),
        (["--text", "cell " * 200, "--text-encoder", "CLIP"], "tokens"),
        (["--examples", "[[1]]"], "examples is [[1]]"),
        (["--examples", "[[9, 9]]", "--example-threshold", "nan"], "example_threshold is nan"),
        (["--classes"], "add --text or --examples"),
        (["--points", "[[9, 9]]", "--text-threshold", "0.3"], "add --text or --examples"),
        (["--counter-examples", "[[9, 9]]"], "no example"),
        (["--exemplars", "missing.json"], "cannot be read"),
        (["--save-exemplars", "set.json"], "no examples to save"),
        (["--examples", "[[0, 0]]", "--save-exemplars", "set.json"], "no example to save"),
        (["--model", "CLIP"], "is a CLIP"),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, list) else "",
)
def test_what_cannot_be_searched_for_is_one_line_and_status_2(
    picture: Path, small_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    result = run("segment", picture, *[str(small_clip) if option == "CLIP" else option for option in options])
    assert result.exit_code == 2, result.output
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert set(tmp_path.iterdir()) == before


# -------------------------------------------------------------------------------------------------------------- models


@pytest.fixture
def served(small_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A text encoder called Small/1 that a server on this machine has, and an empty cache; gives the cache."""
    monkeypatch.setenv(weights.CACHE_VARIABLE, str(tmp_path / "cache"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(small_clip.parent))) as server:
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01), daemon=True)
        thread.start()
        body = small_clip.read_bytes()
        small = weights.Weights(
            "Small/1", small_clip.name, len(body), hashlib.sha256(body).hexdigest(),
            f"http://127.0.0.1:{server.server_port}/{small_clip.name}", "MIT", "texts: for tests", purpose="text",
        )  # fmt: skip
        monkeypatch.setattr(weights, "TEXT_ENCODERS", (*weights.TEXT_ENCODERS, small))
        yield tmp_path / "cache"
        server.shutdown()
        thread.join()


def state_of(name: str) -> str:
    return next(line for line in run("models", "list").stdout.splitlines() if name in line)


def test_a_text_encoder_is_listed_downloaded_and_used(
    served: Path, scene: Scene, picture: Path, small_clip: Path, tmp_path: Path
) -> None:
    assert "not downloaded" in state_of("Small/1")
    missing = run("models", "path", "Small/1")
    assert missing.exit_code == 2
    assert "models download Small/1" in missing.stderr
    result = run("models", "download", "small/1")
    assert result.exit_code == 0, result.output
    path = Path(result.stdout.strip())
    assert path == served / small_clip.name
    assert path.read_bytes() == small_clip.read_bytes()
    assert "not downloaded" not in state_of("Small/1")
    assert run("models", "path", "Small/1").stdout.strip() == str(path)
    result = run("segment", picture, "-o", tmp_path, "--text", "red circle", "--text-encoder", "Small/1")
    assert result.exit_code == 0, result.output
    assert "red circle" in labelled(tmp_path / "scene_labels.tif", scene)


def test_a_text_encoder_that_the_server_has_otherwise_is_refused(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    *others, small = weights.TEXT_ENCODERS
    wrong = weights.Weights(
        small.name, small.file, small.bytes, "0" * 64, small.url, "MIT", small.about, purpose="text"
    )
    monkeypatch.setattr(weights, "TEXT_ENCODERS", (*others, wrong))
    result = run("models", "download", "Small/1")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert not (served / small.file).exists()
