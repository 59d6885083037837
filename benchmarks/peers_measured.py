"""Ways from an image to its objects that `peers.py` measures beside each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import skimage
from numpy.typing import NDArray
from scipy import ndimage

from napari_fastsam.core.correcting.simulated_user import Click

Labels = NDArray[np.int32]
Mask = NDArray[np.bool_]


class Peer(ABC):
    """A way from an image to its objects.

    Attributes
    ----------
    name
        For the table.
    knows
        Whether it has weights, or needs none: then its objects count.
    """

    name: ClassVar[str]
    knows: ClassVar[bool] = True

    @abstractmethod
    def everything(self, grey: NDArray[np.uint8]) -> Labels:
        """Return all objects of an image that it has not seen."""

    @abstractmethod
    def prompt(self, clicks: Sequence[Click]) -> Mask:
        """Return the object of some clicks on that image; the first is a positive one."""


class Ours(Peer):
    """This program."""

    name = "napari-fastsam, bundled model"

    def __init__(self) -> None:
        import napari_fastsam as fs

        self.fs, self.model = fs, fs.load_model("nuclei", device="cpu")

    def everything(self, grey: NDArray[np.uint8]) -> Labels:
        self.prediction = self.fs.predict(self.model, grey)
        from napari_fastsam.model.asking.thresholds import Thresholds

        return self.prediction.everything(Thresholds(*self.model.thresholds())).to_labels()

    def prompt(self, clicks: Sequence[Click]) -> Mask:
        points, labels = [(c.row, c.column) for c in clicks], [int(c.positive) for c in clicks]
        prompts = self.fs.Prompts(points=points, point_labels=labels, point_objects=[1] * len(clicks))
        (selection,) = self.prediction.select(prompts)
        return np.zeros(self.prediction.shape, bool) if selection.mask is None else selection.mask


class _Ultralytics(Peer):
    retina: ClassVar[bool]

    def __init__(self) -> None:
        from ultralytics.models.fastsam import FastSAMPredictor

        from napari_fastsam.model.weights.weights import card_for, find

        path, card = find("nuclei"), card_for(find("nuclei"))
        self.predictor = FastSAMPredictor(
            overrides={
                "model": str(path), "conf": card.conf or 0.4, "iou": card.iou or 0.7, "max_det": 3000,
                "retina_masks": self.retina, "device": "cpu", "verbose": False, "save": False, "mode": "predict",
                "task": "segment",
            }
        )  # fmt: skip

    def everything(self, grey: NDArray[np.uint8]) -> Labels:
        self.shape = grey.shape
        self.predictor.args.imgsz = max(grey.shape)
        self.results = self.predictor(np.repeat(grey[..., None], 3, axis=2))
        return _painted(self._masks(self.results[0]), self.shape)

    def prompt(self, clicks: Sequence[Click]) -> Mask:
        points, labels = [[c.column, c.row] for c in clicks], [int(c.positive) for c in clicks]
        masks = self._masks(self.predictor.prompt(self.results, points=points, labels=labels)[0])
        # of several masks at one click the surest; several clicks mean all that is left, as in FastSAM's own program
        chosen = masks[:1] if len(clicks) == 1 else masks
        return np.any(chosen, axis=0) if chosen else np.zeros(self.shape, bool)

    def _masks(self, result: Any) -> list[Mask]:
        if result.masks is None:
            return []
        masks = [np.asarray(mask, np.uint8) for mask in result.masks.data.numpy()]
        return [_scaled(mask, self.shape) for mask in masks]


class Retina(_Ultralytics):
    """ultralytics, masks at full size."""

    name, retina = "ultralytics FastSAM, retina masks, bundled weights", True


class NotRetina(_Ultralytics):
    """ultralytics, masks at the network's size."""

    name, retina = "ultralytics FastSAM, no retina masks, bundled weights", False


class _Sam(Peer):
    """64 points of the 32 × 32 grid of SAM's automatic masks, three masks each; all of them take minutes here."""

    knows = False
    build: ClassVar[str]

    def __init__(self) -> None:
        import torch
        from ultralytics.models.sam import build

        self.torch, self.network = torch, getattr(build, self.build)().eval()

    def everything(self, grey: NDArray[np.uint8]) -> Labels:
        torch = self.torch
        self.shape = grey.shape
        picture = skimage.transform.resize(grey, (1024, 1024), preserve_range=True).astype(np.float32)
        with torch.inference_mode():
            batch = torch.from_numpy(np.repeat(picture[None, None], 3, axis=1))
            self.embedding = self.network.image_encoder(batch)
            self._decode((np.stack(np.meshgrid(*[np.arange(8)] * 2), -1).reshape(-1, 2) + 0.5) * 128)
        return np.zeros(self.shape, np.int32)

    def prompt(self, clicks: Sequence[Click]) -> Mask:
        with self.torch.inference_mode():
            logits = self._decode(np.array([[clicks[0].column, clicks[0].row]]) * 1024 / max(self.shape))
            mask = self.torch.nn.functional.interpolate(logits[:, :1], self.shape)[0, 0] > 0
        return np.asarray(mask, bool)

    def _decode(self, points_xy: NDArray[np.float64]) -> Any:
        torch = self.torch
        points = torch.from_numpy(points_xy.astype(np.float32))[:, None]
        sparse, dense = self.network.prompt_encoder(
            points=(points, torch.ones(points.shape[:2], dtype=torch.int32)), boxes=None, masks=None
        )
        logits, _ = self.network.mask_decoder(
            image_embeddings=self.embedding, image_pe=self.network.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse, dense_prompt_embeddings=dense, multimask_output=True,
        )  # fmt: skip
        return logits


class Sam(_Sam):
    """SAM with its smallest encoder."""

    name, build = "SAM ViT-B (ultralytics), random weights, 64 of 1024 points", "build_sam_vit_b"


class MobileSam(_Sam):
    """MobileSAM."""

    name, build = "MobileSAM (ultralytics), random weights, 64 of 1024 points", "build_mobile_sam"


class Watershed(Peer):
    """Otsu's threshold, and watershed of the distance to the edge."""

    name = "Otsu + watershed (scikit-image)"

    def everything(self, grey: NDArray[np.uint8]) -> Labels:
        smooth = skimage.filters.gaussian(grey, 1, preserve_range=True)
        self.inside = smooth > skimage.filters.threshold_otsu(smooth)
        self.depth = depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(self.inside), 1)
        pieces, _ = ndimage.label(self.inside)
        peaks = skimage.feature.peak_local_max(depth, min_distance=7, labels=pieces)
        self.seeds = np.zeros(grey.shape, np.int32)
        self.seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        self.labels = skimage.segmentation.watershed(-depth, self.seeds, mask=self.inside).astype(np.int32)
        return self.labels

    def prompt(self, clicks: Sequence[Click]) -> Mask:
        asked = {int(self.labels[c.row, c.column]) for c in clicks if c.positive}  # of a segment nothing can be cut
        return np.isin(self.labels, list(asked - {0}))


class RandomWalker(Peer):
    """Random walks from the same seeds, one object each, and from background."""

    name = "random walker (scikit-image), seeds by Otsu and distance"

    def everything(self, grey: NDArray[np.uint8]) -> Labels:
        watershed = Watershed()
        watershed.everything(grey)
        self.grey, self.outside = grey, ~ndimage.binary_dilation(watershed.inside, iterations=3)
        deepest = np.append(
            0.0, ndimage.maximum(watershed.depth, watershed.labels, range(1, watershed.labels.max() + 1))
        )
        seeds = np.where(
            watershed.depth > deepest[watershed.labels] / 2, watershed.labels, 0
        )  # one pixel is outweighed
        count = int(seeds.max())
        seeds[self.outside] = count + 1
        if count == 0 or not self.outside.any():
            return np.zeros(grey.shape, np.int32)
        walked = skimage.segmentation.random_walker(grey / 255, seeds, beta=300, mode="cg_j", tol=1e-2)
        return np.where(walked == count + 1, 0, walked).astype(np.int32)

    def prompt(self, clicks: Sequence[Click]) -> Mask:
        seeds = np.where(self.outside, 2, 0)
        for c in clicks:
            reach = 3 if c.positive else 1
            around = [slice(max(at - reach, 0), at + reach + 1) for at in (c.row, c.column)]
            seeds[tuple(around)] = 1 if c.positive else 2
        return skimage.segmentation.random_walker(self.grey / 255, seeds, beta=300, mode="cg_j", tol=1e-2) == 1


PEERS: dict[str, type[Peer]] = {
    peer.__name__: peer for peer in (Ours, Retina, NotRetina, Watershed, RandomWalker, MobileSam, Sam)
}


def _painted(masks: list[Mask], shape: tuple[int, ...]) -> Labels:
    """Paint the best last, as they come best first."""
    labels = np.zeros(shape, np.int32)
    for number in range(len(masks), 0, -1):
        labels[masks[number - 1]] = number
    return labels


def _scaled(mask: NDArray[np.uint8], shape: tuple[int, ...]) -> Mask:
    """Bring a mask of the network's size to that of the image."""
    if mask.shape == shape:
        return mask.astype(bool)
    return skimage.transform.resize(mask, shape, order=0, preserve_range=True).astype(bool)
