"""Images of any kind: a result, or an error of this program, never another exception."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import tifffile
import zarr
from napari.components import ViewerModel
from napari.layers import Image, Points

import napari_fastsam as fs
from campaigns.arrays import any_array, any_dtype, any_shape, any_values, words
from campaigns.campaign import Campaign
from napari_fastsam.batch import Job, segment_file
from napari_fastsam.core.planes.tiling import Tiling
from napari_fastsam.layers.answers.cache import MEGABYTE
from napari_fastsam.layers.answers.session import Controls, Session
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.network import segmenter

Generator = np.random.Generator


class Images(Campaign):
    """Shows arrays of any kind to each way in: the model, prompts, tiles, stacks, layers of a viewer, files."""

    name = "images"
    must_hold = "each gives a result or an error of this program, never another exception"
    goal = 100_000
    unit = "images"

    def begin(self, folder: Path) -> None:
        """Load the bundled model."""
        super().begin(folder)
        self.model = fs.load_model("nuclei", device="cpu")
        self._real, segmenter.load_model = segmenter.load_model, lambda *_, **__: self.model
        self.doors: tuple[Callable[[Generator], None], ...] = (
            self._everything, self._everything, self._prompts, self._prompts, self._tiles, self._stack, self._channels,
            self._layer, self._layer, self._file,
        )  # fmt: skip

    def end(self) -> None:
        """Let models be loaded again."""
        segmenter.load_model = self._real

    def try_case(self, rng: Generator) -> str:
        """Show one image to one way in."""
        door = self.doors[rng.integers(len(self.doors))]
        try:
            door(rng)
        except fs.FastSAMError as error:
            message = str(error)
            assert message.strip(), "an error without a word"
            assert len(message) < 2000, f"a message of {len(message)} characters"
            return "refused"
        return "segmented"

    # ---------------------------------------------------------------- ways in

    def _everything(self, rng: Generator) -> None:
        image = any_array(rng)
        options = {**_size(rng), **_some(rng, conf=_share, iou=_share, contrast_limits=_limits)}
        _check(self.model.segment(image, **options), np.shape(image), image)

    def _prompts(self, rng: Generator) -> None:
        image = any_array(rng)
        shape = (*np.shape(image), 1, 1)
        options = {**_size(rng), **_some(rng, conf=_share, contrast_limits=_limits, min_area=_area, max_area=_area)}
        selections = fs.segment(self.model, image, _some_prompts(rng, shape[:2]), **options)
        for selection in selections:
            assert selection.mask is None or selection.mask.shape == np.shape(image)[:2], words(image)
        fs.paint(selections, np.shape(image)[:2])

    def _tiles(self, rng: Generator) -> None:
        image = any_array(rng)
        scale = {"scale": float(rng.choice([0.25, 1.0, 2.0]))} if rng.integers(2) else {"diameter": 40.0 * rng.random()}
        prompts = _some_prompts(rng, (*np.shape(image), 1, 1)[:2]) if rng.integers(2) else None
        found = fs.segment(self.model, image, prompts, tiled=True, **scale)
        if prompts is None:
            assert found.to_labels().shape == np.shape(image)[:2], words(image)  # type: ignore[union-attr]

    def _stack(self, rng: Generator) -> None:
        shape = (int(rng.integers(0, 4)), *any_shape(rng))[: int(rng.integers(3, 5))]
        stack = any_array(rng, shape)
        axis = int(rng.integers(-1, 4)) if rng.integers(3) == 0 else 0
        found = fs.segment_stack(self.model, stack, axis=axis, imgsz=32, **_some(rng, conf=_share))
        assert len(found.planes) == np.shape(stack)[axis], words(stack)

    def _channels(self, rng: Generator) -> None:
        image = any_array(rng)
        channels = rng.integers(-1, 4, int(rng.integers(1, 4))).tolist()
        found = fs.segment(
            self.model, image, channels=channels, channel_axis=int(rng.integers(-1, 3)), imgsz=32, tiled=False
        )
        _check(found, None, image)

    def _layer(self, rng: Generator) -> None:
        """As the dock does: a layer of a viewer, frozen, worked on, answered."""
        viewer = ViewerModel()
        layer = _any_layer(rng)
        if layer is None:
            return
        viewer.add_layer(layer)
        if viewer.dims.ndim > 2:
            if rng.integers(2):
                viewer.dims.order = tuple(rng.permutation(viewer.dims.ndim).tolist())
            viewer.dims.set_point(0, float(rng.integers(-1, 3)))
        points = viewer.add_layer(Points(rng.random((2, layer.ndim)) * 40, ndim=layer.ndim))
        controls = Controls(
            layer, points=points, device="cpu", imgsz=32 if rng.integers(4) else None,
            task="everything" if rng.integers(2) else "prompts", region=str(rng.choice(["plane", "view", "stack"])),
            thresholds=Thresholds(0.3), tiling=Tiling(),
        )  # fmt: skip
        session = Session(viewer, 32 * MEGABYTE)
        request = session.request(controls)
        list(session.work(request))
        result = session.result(request)
        assert result is None or result.labels is None or result.labels.ndim in (2, 3), words(layer.data)

    def _file(self, rng: Generator) -> None:
        """As the command line does: a file on the disk."""
        path = _any_file(rng, self.folder)
        if path is None:
            return
        job = Job(self.model, None, Thresholds(conf=0.3, iou=0.5), 32, (0,) if rng.integers(2) else None, ("tiff",))
        segment_file(path, self.folder / "labels.tif", job)


# ---------------------------------------------------------------- what is asked


def _size(rng: Generator) -> dict[str, Any]:
    return {"imgsz": int(rng.choice([32, 64]))} if rng.integers(6) else {}


def _share(rng: Generator) -> float:
    return float(rng.choice([0.0, 0.25, 0.5, 1.0, -0.1, 1.5, np.nan], p=[0.1, 0.3, 0.3, 0.15, 0.05, 0.05, 0.05]))


def _area(rng: Generator) -> float:
    return float(rng.choice([0, 1, 50, 1e9, -5, np.nan, np.inf]))


def _limits(rng: Generator) -> Any:
    limits = ((0, 1), (0, 80), (80, 0), (5, 5), (-1e308, 1e308), (np.nan, 1), (0, np.inf), (1,), "ab", (0, 1e-320))
    return limits[rng.integers(len(limits))]


def _some(rng: Generator, **options: Callable[[Generator], Any]) -> dict[str, Any]:
    """Return some of the options."""
    return {name: value(rng) for name, value in options.items() if rng.integers(4) == 0}


def _some_prompts(rng: Generator, shape: tuple[int, ...]) -> fs.Prompts:
    """Return prompts on a plane and beside it, some of them nonsense."""
    high = np.array(shape) + 5
    points = rng.random((int(rng.integers(0, 4)), 2)) * high - 2
    boxes = rng.random((int(rng.integers(0, 3)), 4)) * np.tile(high, 2) - 2
    lines = [rng.random((int(rng.integers(1, 6)), 2)) * high for _ in range(int(rng.integers(0, 3)))]
    if rng.integers(12) == 0:
        points = points * rng.choice([1e6, 1e300, np.nan])
    return fs.Prompts(
        points=points, point_labels=rng.integers(0, 2, len(points)), point_objects=rng.integers(0, 3, len(points)),
        boxes=boxes, outlines=[line for line in lines if len(line) > 2], scribbles=lines[:1],
        examples=points[:1] if rng.integers(5) == 0 else (),
    )  # fmt: skip


def _check(found: Any, shape: tuple[int, ...] | None, image: Any) -> None:
    """Raise if a result cannot be one."""
    labels = found.to_labels()
    if shape is not None:
        assert labels.shape == shape[:2], words(image)
    assert np.isfinite(found.boxes).all(), words(image)
    assert ((found.scores >= 0) & (found.scores <= 1)).all(), words(image)
    assert labels.max(initial=0) <= len(found), words(image)


# ---------------------------------------------------------------- layers and files


def _any_layer(rng: Generator) -> Image | None:
    """Return a layer; None where napari itself can make none of such data."""
    data = any_array(rng)
    if isinstance(data, list):
        data = np.asarray(data)
    options: dict[str, Any] = {}
    if rng.integers(3) == 0 and np.ndim(data):
        options |= {"scale": rng.choice([0.1, 1, 2.5, 1e-9, -1], np.ndim(data)), "rotate": float(rng.integers(0, 90))}
    try:
        if rng.integers(5) == 0:
            return Image([data, data[..., ::2, ::2], data[..., ::4, ::4]], multiscale=True)
        return Image(data, **options)
    except Exception:  # noqa: BLE001 - napari's own refusal of an array is not ours
        return None


def _any_file(rng: Generator, folder: Path) -> Path | None:
    """Write an image; None where the library that writes refuses."""
    array = any_values(rng, any_shape(rng), any_dtype(rng))
    kind = rng.integers(4)
    try:
        if kind < 2:
            path = folder / "image.tif"
            compression = rng.choice(["none", "zlib", "lzw"])
            tifffile.imwrite(path, array, compression=None if compression == "none" else compression,
                             bigtiff=bool(rng.integers(2)), byteorder=str(rng.choice(["<", ">"])))  # fmt: skip
        elif kind == 2 and array.dtype in (np.uint8, np.uint16, np.bool_):
            path = folder / "image.png"
            iio.imwrite(path, array)
        else:
            path = folder / "image.zarr"
            zarr.save(str(path), array)
    except Exception:  # noqa: BLE001 - the writer's own refusal is not ours
        return None
    return path
