"""Ultralytics' own FastSAM validator: box and mask mAP as COCO defines them, to compare with published numbers.

It wants a data set in its own layout and writes beside it. So it gets one in a temporary folder: the images as the
network sees them, and the outlines with a single class, as FastSAM has.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from napari_fastsam.errors import DatasetError, ImageError, ModelError
from napari_fastsam.model.judging.validation import AnnotatedImage
from napari_fastsam.model.network.checkpoint import read_network
from napari_fastsam.model.network.segmenter import Model
from napari_fastsam.model.network.ultralytics_ import imported

DEFAULT_IMGSZ = 640
"""Ultralytics' own, for a model whose card names no size."""

NAMES = {
    "metrics/mAP50(B)": "box_map50",
    "metrics/mAP50-95(B)": "box_map",
    "metrics/mAP50(M)": "mask_map50",
    "metrics/mAP50-95(M)": "mask_map",
}
"""Ultralytics' names of its numbers, and ours: mAP at IoU 0.5, and its mean over 0.5 … 0.95."""


def validate(
    model: Model, examples: Sequence[AnnotatedImage], outlines: Sequence[Path], *, imgsz: int | None = None
) -> dict[str, float]:
    """Run ultralytics' FastSAMValidator.

    Its thresholds are its own (confidence 0.001, IoU 0.7), all classes count as one, and all images are shown at one
    size. Nothing is fetched, nothing is sent, and nothing is written outside a temporary folder.

    Parameters
    ----------
    model
        From `load_model`.
    examples
        Annotated images.
    outlines
        The YOLO text file of each.
    imgsz
        Longer side that the network sees, in pixels; None = that of the card, or 640.

    Returns
    -------
    dict
        ``box_map50``, ``box_map``, ``mask_map50``, ``mask_map``.

    Raises
    ------
    ImageError, DatasetError
        If an image or its outlines cannot be read.
    ModelError
        If the validator fails.
    """
    if imgsz is None:
        imgsz = model.at_most(model.card.imgsz or model.card.trained_imgsz or DEFAULT_IMGSZ)
    size = model.imgsz_for((imgsz, imgsz), imgsz)
    with imported():
        from ultralytics.engine import validator as engine
        from ultralytics.models.fastsam import FastSAMValidator
    with tempfile.TemporaryDirectory(prefix="napari-fastsam-") as name:
        folder = Path(name)
        _write(model, examples, outlines, folder)
        arguments = {
            "model": str(model.path), "data": "data.yaml", "imgsz": size, "device": model.device, "single_cls": True,
            "split": "val", "rect": True, "batch": 4, "workers": 0, "plots": False, "verbose": False,
        }  # fmt: skip
        data = {"path": folder, "val": str(folder / "images"), "nc": 1, "names": {0: "object"}, "channels": 3}
        try:
            with _quiet_and_alone(engine, data):
                # a checkpoint goes in as a network, so that it has been through the restricted loader
                network = read_network(model.path)[0].float() if model.path.suffix == ".pt" else str(model.path)
                found = FastSAMValidator(args=arguments, save_dir=folder / "run")(model=network)
        except ModelError:
            raise
        except Exception as error:  # ultralytics and the libraries that run exported models raise anything
            raise ModelError(f"ultralytics' validator failed: {' '.join(str(error).split())}") from error
    return {ours: float(found[theirs]) for theirs, ours in NAMES.items()}


def _write(model: Model, examples: Sequence[AnnotatedImage], outlines: Sequence[Path], folder: Path) -> None:
    with imported():
        import cv2
    (folder / "images").mkdir()
    (folder / "labels").mkdir()
    for number, (example, file) in enumerate(zip(examples, outlines, strict=True)):
        try:
            picture = model.rgb8(example.image())
        except ImageError as error:
            raise ImageError(f"{example.name}: {error}") from error
        bgr = np.ascontiguousarray(picture[..., ::-1])
        if not cv2.imwrite(str(folder / "images" / f"{number:06}.png"), bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1]):
            raise ModelError(f"the picture of {example.name} cannot be written into {folder}; make room there")
        (folder / "labels" / f"{number:06}.txt").write_text(_one_class(file), encoding="utf-8")


def _one_class(file: Path) -> str:
    """Return the outlines as of class 0, cut at the image's border as ultralytics insists."""
    try:
        lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        values = [np.clip(np.array(line[1:], np.float64), 0, 1) for line in lines]
    except (OSError, ValueError) as error:
        raise DatasetError(f"the outlines {file} cannot be read: {error}") from error
    return "".join(f"0 {' '.join(f'{v:.9f}' for v in outline)}\n" for outline in values)


@contextmanager
def _quiet_and_alone(engine: Any, data: dict[str, Any]) -> Iterator[None]:
    """Give the validator its data set, and keep it from printing, from services and from fetching fonts."""
    from ultralytics.utils import LOGGER, callbacks

    check, connect, level = engine.check_det_dataset, callbacks.add_integration_callbacks, LOGGER.level
    # it would look for a font on the network, which only its plots need
    engine.check_det_dataset = lambda *_, **__: data
    callbacks.add_integration_callbacks = lambda _: None
    LOGGER.setLevel("ERROR")
    try:
        yield
    finally:
        engine.check_det_dataset, callbacks.add_integration_callbacks = check, connect
        LOGGER.setLevel(level)
