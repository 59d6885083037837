"""The same instances as ultralytics itself, run on the same file, image and thresholds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_fastsam.core.image.intensity import to_rgb8
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.prompts.compat import select_like_ultralytics, snap_boxes
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.model.network.segmenter import Model

CASES = {
    "square, native": ("sparse", 256, 0.25, 0.7),
    "square, enlarged, many": ("sparse", 512, 0.05, 0.9),
    "square, reduced": ("sparse", 160, 0.25, 0.7),
    "colour, padded": ("tissue", 320, 0.25, 0.7),
    "colour, enlarged": ("tissue", 640, 0.1, 0.5),
    "odd sides": ("dense", 352, 0.25, 0.7),
    "odd sides, odd imgsz": ("dense", 500, 0.3, 0.6),
    "alpha, reduced": ("wide", 224, 0.15, 0.7),
}


@pytest.fixture(scope="module")
def nuclei(nuclei: Model) -> Model:
    """The bundled model, with ultralytics' idea of intensities and of the pixels in a box."""
    card = dataclasses.replace(nuclei.card, window="type", box_pixels="index")
    return dataclasses.replace(nuclei, card=card)


@pytest.fixture(scope="module")
def theirs(nuclei: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Ultralytics' FastSAM on the bundled file; takes an RGB picture and gives a `Results`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("ultralytics runs"))
        from ultralytics import FastSAM

        network = FastSAM(str(nuclei.path))

        def run(rgb: np.ndarray, **arguments: Any) -> Any:
            (result,) = network(
                np.ascontiguousarray(rgb[..., ::-1]),  # BGR
                retina_masks=True,
                max_det=30_000,
                device="cpu",
                verbose=False,
                **arguments,
            )
            return result

        yield run
        assert not list(Path.cwd().iterdir())


@pytest.fixture(params=CASES.values(), ids=CASES.keys(), scope="module")
def both(
    request: pytest.FixtureRequest,
    nuclei: Model,
    picture: Callable[[str], np.ndarray],
    theirs: Callable[..., Any],
) -> tuple[Instances, Any]:
    stem, imgsz, conf, iou = request.param
    rgb = to_rgb8(picture(stem))
    return nuclei.segment(rgb, imgsz, conf, iou), theirs(rgb, imgsz=imgsz, conf=conf, iou=iou)


def masks_of(result: Any) -> np.ndarray:
    return result.masks.data.numpy().astype(bool)


def test_the_same_instances_in_the_same_order(both: tuple[Instances, Any]) -> None:
    ours, result = both
    assert len(ours) == len(result.boxes) > 5
    np.testing.assert_allclose(ours.scores, result.boxes.conf.numpy(), atol=2e-4)
    # ultralytics snaps the boxes that it reports to the border
    boxes_yx = result.boxes.xyxy.numpy()[:, [1, 0, 3, 2]]
    np.testing.assert_allclose(snap_boxes(ours), boxes_yx, atol=0.05)


def test_every_mask_is_the_same(both: tuple[Instances, Any]) -> None:
    ours, result = both
    masks = masks_of(result)
    assert masks.shape[1:] == ours.shape
    overlap = []
    for i, mask in enumerate(masks):
        mine = ours.mask(i)
        overlap.append((mine & mask).sum() / (mine | mask).sum())
    # nuclei of a hundred pixels: ultralytics enlarges the prototypes before it crops them, which moves a pixel or two
    # of an edge that no box cuts
    assert np.mean(overlap) >= 0.99
    assert np.min(overlap) >= 0.95


PROMPTS: dict[str, dict[str, Any]] = {
    "one point": {"points": [[128, 126]]},
    "points": {"points": [[20, 25], [128, 126], [200.7, 90.2]], "labels": [1, 1, 1]},
    "points of both signs": {"points": [[128, 126], [20, 25], [60, 200]], "labels": [1, 0, 1]},
    "negative points alone": {"points": [[128, 126], [20, 25]], "labels": [0, 0]},
    "a box": {"bboxes": [[100, 100, 150, 150]]},
    "boxes": {"bboxes": [[0, 0, 60, 60], [100.9, 100.9, 150.2, 160.8], [-20, 200, 500, 900]]},
    "a box beside the image": {"bboxes": [[2000, 2000, 2100, 2100]]},
    "a box of no area": {"bboxes": [[50, 50, 50, 80]]},
    "a box and points": {"bboxes": [[100, 100, 150, 150]], "points": [[20, 25], [60, 200]], "labels": [1, 0]},
    "a point beside the image": {"points": [[-40, 900]], "labels": [1]},
}


@pytest.mark.parametrize("stem", ["dense", "tissue"])
@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_compatibility_mode_chooses_what_ultralytics_chooses(
    stem: str,
    prompt: dict[str, Any],
    nuclei: Model,
    picture: Callable[[str], np.ndarray],
    theirs: Callable[..., Any],
) -> None:
    rgb = to_rgb8(picture(stem))
    imgsz = 352 if stem == "dense" else 320
    found = theirs(rgb, imgsz=imgsz, conf=0.25, iou=0.7, **prompt)
    prompts = Prompts(
        points=[[y, x] for x, y in prompt.get("points", [])],
        point_labels=prompt.get("labels"),
        boxes=[[y0, x0, y1, x1] for x0, y0, x1, y1 in prompt.get("bboxes", [])],
    )
    ours = select_like_ultralytics(nuclei.segment(rgb, imgsz, 0.25, 0.7), prompts)
    assert len(ours) == len(found)
    np.testing.assert_allclose(ours.scores, found.boxes.conf.numpy(), atol=2e-4)
