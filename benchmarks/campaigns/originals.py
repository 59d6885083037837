"""A good file of every kind that is read, to be damaged, and how each is opened."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import tifffile
import zarr

import napari_fastsam as fs
from hostile import archives, exports, other_doors, watch
from hostile.checkpoints import innocent
from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.core.recipe import Parameters, Recipe
from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.io.exemplars import save_exemplars
from napari_fastsam.io.formats import registry
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.projects.annotations import AnnotationFolder
from napari_fastsam.io.projects.project import open_project
from napari_fastsam.io.projects.state import ImageState
from napari_fastsam.io.projects.steps import Annotation, AnnotationStep, LabelTile
from napari_fastsam.io.prompts import load_prompts, save_prompts
from napari_fastsam.io.recipes import load_recipe, save_recipe
from napari_fastsam.model.weights.card import Card
from napari_fastsam.model.weights.card_files import card_paths, write_whole
from napari_fastsam.model.weights.weights import card_for

SHAPE = (40, 50)

Opening = Callable[[Path], None]


def _image(path: Path) -> None:
    """As an image, every plane of it."""
    image = Input(path)
    layout = image.describe()
    image.remarks()
    image.read((0,) * len(layout.lengths))


def _labels(path: Path) -> None:
    """As labels."""
    registry.read_labels(path, SHAPE).label_image()


def _annotations(path: Path) -> None:
    """As the annotations of an image; a step more is written."""
    kept = AnnotationFolder(path)
    loaded = kept.load()
    try:
        kept.append(AnnotationStep(SHAPE, "int32", (LabelTile((0, 0), np.ones((4, 4), np.int32)),)))
        kept.save(loaded.annotation, loaded.state)
    finally:
        kept.close()


def _project(path: Path) -> None:
    """As a folder of images."""
    project = open_project(path)
    try:
        list(project.states())
        for image in project.images:
            image.annotations().load()
        project.write()
    finally:
        project.close()


def _classifier(path: Path) -> None:
    fs.load_classifier(path)


def _prompts(path: Path) -> None:
    load_prompts(path)


def _recipe(path: Path) -> None:
    load_recipe(path)


def _card(path: Path) -> None:
    card_for(path / "model.pt")


def _dataset(path: Path) -> None:
    """As annotated images, read to the end."""
    for example in fs.read_dataset(path).examples:
        example.image()
        example.labels()


OPENINGS: dict[str, Opening] = {
    "an image": _image, "labels": _labels, "annotations": _annotations, "a project": _project,
    "a classifier": _classifier, "prompts": _prompts, "a recipe alone": _recipe, "a card": _card,
    "examples read": _dataset,
}  # fmt: skip


def register_doors() -> None:
    """Let `watch` know how these are opened."""
    for name, opening in OPENINGS.items():
        watch.DOORS[name] = lambda path, out, opening=opening: opening(Path(path))


def make_originals(folder: Path) -> list[tuple[str, Path]]:
    """Write a good file, or folder, for each door; returns both."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, SHAPE, np.uint8)
    labels = np.zeros(SHAPE, np.int32)
    labels[5:15, 5:15], labels[20:30, 10:40] = 1, 2
    made: list[tuple[str, Path]] = []

    def place(door: str, name: str) -> Path:
        own = folder / f"original{len(made)}"
        own.mkdir()
        made.append((door, own / name))
        return own / name

    innocent(place("model", "model.pt").parent)
    exports.onnx_file(place("model", "model.onnx"))
    shutil.copyfile(archives.CLIP, place("text", "clip.pt"))
    save_recipe(Recipe(parameters=Parameters(contrast_limits=(0.0, 80.0))), place("a recipe alone", "recipe.json"))
    save_exemplars(Exemplars("form", rng.random((3, 8)), rng.random((2, 8))), place("examples", "examples.json"))
    save_prompts(fs.Prompts(points=[[3, 4]], boxes=[[1, 1, 9, 9]], texts=["a cell"]), place("prompts", "prompts.json"))
    card = place("a card", "with card")
    card.mkdir()
    (card / "model.pt").write_bytes(b"weights")
    write_whole(card_paths(card / "model.pt")[0], _card_text())
    _write_images(place, picture)
    _write_labels(place, labels)
    _write_annotations(place("annotations", "annotations"), labels)
    _write_project(place("a project", "project"), picture, labels)
    _write_datasets(place, picture, labels)
    return made


def _card_text() -> bytes:
    from napari_fastsam.model.weights.card import card_text

    return card_text(Card(name="cells", task="segment")).encode()


def _write_images(place: Callable[[str, str], Path], picture: np.ndarray) -> None:
    stack = np.stack([picture] * 3)
    tifffile.imwrite(place("an image", "plain.tif"), picture, compression="zlib")
    tifffile.imwrite(place("an image", "tiled.tif"), np.pad(picture, 40), tile=(16, 16), compression="lzw")
    tifffile.imwrite(place("an image", "stack.ome.tif"), stack, metadata={"axes": "ZYX"}, photometric="minisblack")
    tifffile.imwrite(place("an image", "imagej.tif"), stack, imagej=True, metadata={"axes": "ZYX"})
    for name in ("image.png", "image.jpg", "image.bmp", "image.gif"):
        iio.imwrite(place("an image", name), picture)
    for version in (2, 3):
        path = place("an image", f"image{version}.zarr")
        group = zarr.open_group(path, mode="w", zarr_format=version)  # type: ignore[arg-type]
        array = group.create_array("0", shape=picture.shape, chunks=(16, 16), dtype=picture.dtype)
        array[:] = picture
        axes = [{"name": a, "type": "space", "unit": "micrometer"} for a in "yx"]
        datasets = [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [0.5, 0.5]}]}]
        multiscales = [{"axes": axes, "datasets": datasets, "version": "0.4"}]
        group.attrs.update(
            {"multiscales": multiscales} if version == 2 else {"ome": {"version": "0.5", "multiscales": multiscales}}
        )


def _write_labels(place: Callable[[str, str], Path], labels: np.ndarray) -> None:
    objects = tuple(ResultObject(number, score=0.5, class_name="cell") for number in (1, 2))
    result = SegmentationResult(ArrayLabels(labels), objects, image="image")
    for format_ in registry.readers():
        if format_.writes and not format_.gathers:
            format_.write(result, place("labels", f"labels{format_.ending}"))


def _write_annotations(path: Path, labels: np.ndarray) -> None:
    import pandas as pd

    kept = AnnotationFolder(path)
    table = pd.DataFrame({"index": [1, 2], "score": [0.5, 0.25], "class": ["a", ""]})
    kept.save(Annotation(labels, table, {}, {"napari-fastsam classes": [{"name": "a"}]}), ImageState(state="in work"))
    for value in (3, 4):
        kept.append(AnnotationStep(SHAPE, "int32", (LabelTile((8 * value, 0), np.full((8, 8), value, np.int32)),)))
    kept.close()


def _write_project(path: Path, picture: np.ndarray, labels: np.ndarray) -> None:
    path.mkdir()
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(path / name, picture)
    project = open_project(path)
    project.write()
    _write_annotations(project.images[0].folder, labels)
    project.close()


def _write_datasets(place: Callable[[str, str], Path], picture: np.ndarray, labels: np.ndarray) -> None:
    import json

    coco = place("examples read", "coco.json")
    iio.imwrite(coco.parent / "a.png", picture)
    box = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[1, 1, 9, 1, 9, 9, 1, 9]], "iscrowd": 0}
    images = [{"id": 1, "file_name": "a.png", "width": SHAPE[1], "height": SHAPE[0]}]
    content = {"images": images, "annotations": [box], "categories": [{"id": 1, "name": "cell"}]}
    coco.write_text(json.dumps(content))
    folder = place("examples read", "pairs")
    for name, pixels in (("images", picture), ("labels", labels.astype(np.uint16))):
        (folder / name).mkdir(parents=True)
        tifffile.imwrite(folder / name / "a.tif", pixels)
    yolo = place("examples read", "data.yaml")
    for name in ("images", "labels"):
        (yolo.parent / name).mkdir()
    iio.imwrite(yolo.parent / "images" / "a.png", picture)
    (yolo.parent / "labels" / "a.txt").write_text("0 0.1 0.1 0.9 0.1 0.9 0.9\n")
    yolo.write_text("train: images\nval: images\nnames: [a]\n")


assert other_doors.DOORS  # they are among `watch.DOORS`
