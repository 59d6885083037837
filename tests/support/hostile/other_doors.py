"""Doors for files other than checkpoints, and what is opened through each before anything hostile."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def text(path: str, out: Path) -> None:
    """As a text encoder."""
    from napari_fastsam.model.text.encoder import load_text_encoder

    load_text_encoder(path, "cpu").encode_texts(["red"])


def recipe(path: str, out: Path) -> None:
    """As a recipe, whose model and text encoder are loaded as a run does it."""
    from napari_fastsam.io.recipes import load_recipe
    from napari_fastsam.runs import work

    found = load_recipe(path)
    work.model_of(found.model)
    if found.search is not None:
        work._looked_for(found.search)


def examples(path: str, out: Path) -> None:
    """As a set of examples."""
    from napari_fastsam.io.exemplars import load_exemplars

    load_exemplars(path)


def dataset(path: str, out: Path) -> None:
    """As annotated images."""
    from napari_fastsam.io.annotations.datasets import read_dataset

    read_dataset(Path(path))


def card(path: str, out: Path) -> None:
    """As a model whose card is asked for, without it being loaded."""
    from napari_fastsam.model.weights.weights import card_for

    card_for(Path(path))


def calibration(path: str, out: Path) -> None:
    """As images that an export is calibrated on, as far as ultralytics' look at them."""
    from ultralytics.data.utils import check_det_dataset

    from napari_fastsam.errors import ParameterError
    from napari_fastsam.model.export.export import _calibration

    try:
        check_det_dataset(str(_calibration(Path(path), out)))
    except FileNotFoundError as error:
        raise ParameterError(str(error)) from error


def part(path: str, out: Path) -> None:
    """As the labels of a plane that a run kept."""
    from napari_fastsam.errors import FastSAMError
    from napari_fastsam.runs.tasks import RunTask

    if not RunTask("plane", ()).is_whole(Path(path).parent):
        raise FastSAMError("it is made again")


DOORS: dict[str, Callable[[str, Path], None]] = {
    "text": text, "recipe": recipe, "examples": examples, "dataset": dataset, "card": card,
    "calibration": calibration, "part": part,
}  # fmt: skip


def innocents(folder: Path, checkpoint: Path) -> dict[str, list[str]]:
    """Write a good file for each door, or several where different libraries read them."""
    import numpy as np

    from hostile import archives, exports, texts
    from napari_fastsam.core.likeness.exemplars import Exemplars
    from napari_fastsam.io.exemplars import save_exemplars
    from napari_fastsam.runs.tasks import PlaneLabels, write_plane

    def json_file(name: str, content: Any) -> str:
        (folder / name).write_text(json.dumps(content))
        return str(folder / name)

    save_exemplars(Exemplars("form", np.zeros((1, 4)), np.zeros((0, 4))), folder / "examples.json")
    write_plane(folder / "plane.npz", PlaneLabels(np.zeros((4, 4), np.int32)))
    (folder / "images").mkdir()
    import imageio.v3 as iio

    iio.imwrite(folder / "images" / "a.png", np.zeros((8, 8), np.uint8))
    (folder / "labels").mkdir()
    (folder / "labels" / "a.txt").write_text("0 0.1 0.1 0.9 0.1 0.9 0.9\n")
    (folder / "data.yaml").write_text("train: images\nval: images\nnames: [a]\n")
    shutil.copyfile(archives.CLIP, folder / "clip.pt")
    coco = {"images": [{"id": 1, "file_name": "images/a.png", "height": 8, "width": 8}], "annotations": []}
    return {
        "model": [str(checkpoint), str(exports.onnx_file(folder / "good.onnx")), str(exports.openvino_folder(folder))],
        "text": [str(archives.CLIP)],
        "recipe": [
            str(
                texts.recipe(
                    folder, model={"name": "nuclei", "sha256": ""}, search={"texts": ["a"], "text_encoder": "clip.pt"}
                )
            )
        ],
        "examples": [str(folder / "examples.json")],
        "dataset": [str(folder / "data.yaml"), json_file("coco.json", coco)],
        "card": [str(checkpoint)],
        "calibration": [str(folder / "data.yaml")],
        "part": [str(folder / "plane.npz")],
    }
