"""What training shows to the network: random crops of annotated images, at the size that objects are wanted at.

A network without a notion of scale has to learn every object size on its own. Here each image is first brought to one
object size (as Cellpose does: Stringer et al., Nature Methods 18, 2021), and only then varied around it, so that a
small network and few images go further. Image and labels go through one affine map, so an object's mask stays exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fastsam.core.objects.pixel_sums import numbered
from napari_fastsam.errors import LabelsError
from napari_fastsam.model.network.segmenter import GREY
from napari_fastsam.model.network.ultralytics_ import imported

_SMALLEST_SHARE = 0.2
_SMALLEST_AREA = 16
_MOST_CROPS = 8


def diameters_of(labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the equivalent diameters ``2 * sqrt(area / pi)`` of a label image's objects, in pixels."""
    areas = np.unique(labels[labels != 0], return_counts=True)[1]
    found: NDArray[np.float64] = 2 * np.sqrt(areas / np.pi)
    return found


@dataclass(frozen=True, eq=False)
class AnnotatedPlane:
    """One annotated plane in memory.

    Attributes
    ----------
    name, group
        As in the dataset.
    rgb
        (Y, X, 3) uint8, as `core.image.intensity.to_rgb8` makes it.
    labels
        (Y, X) uint16, 0 = background, numbered without gaps.
    diameter
        Median equivalent diameter of its objects in pixels; NaN = it has none.
    complete
        Whether all objects are labelled; if not, nothing is known of what is not labelled.
    ignored
        (Y, X) bool, where nothing is known although the rest is decided; None = nowhere.
    """

    name: str
    group: str
    rgb: NDArray[np.uint8]
    labels: NDArray[np.uint16]
    diameter: float
    complete: bool = True
    ignored: NDArray[np.bool_] | None = None

    @property
    def is_partly_labelled(self) -> bool:
        """Whether something of it is not known."""
        return not self.complete or self.ignored is not None

    @classmethod
    def of(
        cls,
        name: str,
        group: str,
        rgb: NDArray[np.uint8],
        labels: NDArray[np.integer],
        *,
        complete: bool = True,
        ignored: NDArray[np.bool_] | None = None,
    ) -> AnnotatedPlane:
        """Return a plane whose labels are numbered without gaps, without objects that lie mostly where it is ignored.

        Raises
        ------
        LabelsError
            If shapes differ, or there are more objects than 16 bits can number.
        """
        if labels.shape != rgb.shape[:2]:
            raise LabelsError(f"{name}: labels of shape {labels.shape} do not fit an image of shape {rgb.shape[:2]}")
        if ignored is not None:
            if ignored.shape != labels.shape:
                raise LabelsError(f"{name}: what is ignored has shape {ignored.shape} and the labels {labels.shape}")
            labels, ignored = without_ignored(labels, ignored)
        values, places = numbered(labels)
        if len(values) >= np.iinfo(np.uint16).max:
            raise LabelsError(f"{name} has {len(values):,} objects; cut it into images of fewer than 65,535")
        sizes = diameters_of(places)
        usual = float(np.median(sizes)) if len(sizes) else math.nan
        return cls(name, group, rgb, places.astype(np.uint16), usual, complete, ignored)

    def decided(self, found: NDArray[np.integer]) -> NDArray[np.integer]:
        """Return a label image of what was found, without the objects of which it is not known whether they are any."""
        if not self.is_partly_labelled:
            return found
        unknown = self.labels == 0
        if self.complete and self.ignored is not None:
            unknown = self.ignored
        return without_ignored(found, unknown)[0]


def without_ignored(
    labels: NDArray[np.integer], ignored: NDArray[np.bool_]
) -> tuple[NDArray[np.integer], NDArray[np.bool_] | None]:
    """Return labels without the objects that lie mostly where nothing is known, and all such places; None = nowhere."""
    values, inverse, areas = np.unique(labels, return_inverse=True, return_counts=True)
    hidden = np.bincount(inverse.ravel(), weights=ignored.ravel(), minlength=len(values))
    gone = (hidden > areas / 2) & (values != 0)
    left = np.where(gone, 0, values)[inverse].reshape(labels.shape).astype(labels.dtype)
    unknown = (left == 0) & (ignored | (labels != 0))
    return left, unknown if unknown.any() else None


@dataclass(frozen=True)
class Augmentation:
    """How crops are varied.

    Attributes
    ----------
    zoom
        Factor by which objects are enlarged or reduced at most, evenly on a logarithmic scale.
    stretch
        The same for one axis alone.
    turn
        Share of crops that are turned by any angle; all are mirrored and turned by quarters.
    invert
        Share of crops whose intensities are turned round: dark objects become bright ones.
    light
        Strength of the changes of brightness, contrast, gamma and colour; 0 = none.
    blur, noise
        Share of crops that get it.
    """

    zoom: float = 1.8
    stretch: float = 1.15
    turn: float = 0.3
    invert: float = 0.08
    light: float = 1.0
    blur: float = 0.15
    noise: float = 0.25


@dataclass(eq=False)
class TrainingCrops:
    """Random crops of annotated planes, as ultralytics' loss wants them; the same for the same seed, epoch and index.

    Attributes
    ----------
    planes
        What is cropped.
    size
        Height and width of a crop in pixels.
    scales
        Factor from plane pixels to crop pixels, one a plane.
    augmentation, seed
        How crops are varied.
    length
        Crops an epoch.
    epoch
        Set anew by the trainer.
    """

    planes: Sequence[AnnotatedPlane]
    size: int
    scales: NDArray[np.float64]
    length: int
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    epoch: int = 0

    def __post_init__(self) -> None:
        """Say how often each plane is taken.

        Large planes and common kinds come more often, but only by the root of their area and number: the rest would
        hardly be seen.
        """
        chances = np.sqrt(self.covers())
        groups = np.array([plane.group for plane in self.planes])
        for group in np.unique(groups):
            members = groups == group
            chances[members] *= np.sqrt(members.sum()) / chances[members].sum()
        self._chances = chances / chances.sum()
        self._boxes = [ndimage.find_objects(plane.labels) for plane in self.planes]

    def covers(self) -> NDArray[np.float64]:
        """Return how many crops it takes to see each plane once, from 1 to a limit."""
        areas = np.array([math.prod(p.labels.shape) for p in self.planes]) * self.scales**2
        return np.clip(areas / self.size**2, 1, _MOST_CROPS)

    def __len__(self) -> int:
        """Return the crops an epoch."""
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one crop.

        Returns
        -------
        dict
            ``img`` (3, size, size) uint8; ``masks`` (size, size) uint8 or int16 with k + 1 for the k-th object;
            ``bboxes`` (K, 4) centre x, centre y, width, height as shares of the size; ``cls`` (K, 1) zeros;
            ``undecided`` (size, size) bool, where it is not known whether there is an object: where none is labelled in
            an image that is labelled in part, where it is ignored, and where an object is all but cut off by the edge.
        """
        rng = np.random.default_rng((self.seed, self.epoch, index))
        which = int(rng.choice(len(self.planes), p=self._chances))
        rgb, labels, ignored = self._cut(which, rng)
        rgb = vary(rgb, rng, self.augmentation)
        masks, boxes = _objects(labels)
        known = (labels == 0) & ~ignored
        return {
            "img": np.ascontiguousarray(rgb.transpose(2, 0, 1)),
            "masks": masks,
            "bboxes": boxes,
            "cls": np.zeros((len(boxes), 1), np.float32),
            "undecided": (masks == 0) & ~known if self.planes[which].complete else masks == 0,
        }

    def _cut(
        self, which: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint16], NDArray[np.bool_]]:
        plane, how = self.planes[which], self.augmentation
        scale = self.scales[which] * math.exp(rng.uniform(-1, 1) * math.log(how.zoom))
        forward = _turned(rng, how) * scale
        centre = self._centre(which, scale, rng)
        matrix = np.column_stack([forward, self.size / 2 - forward @ centre])
        with imported():
            import cv2
        size = (self.size, self.size)
        border: dict[str, Any] = {"borderMode": cv2.BORDER_CONSTANT}
        # in OpenCV pixel centres are at integers; the half pixels are part of the random shift
        rgb = cv2.warpAffine(plane.rgb, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(GREY,) * 3, **border)
        labels = cv2.warpAffine(plane.labels, matrix, size, flags=cv2.INTER_NEAREST, borderValue=0, **border)
        ignored = np.zeros(size, np.bool_)
        if plane.ignored is not None:
            unknown = plane.ignored.astype(np.uint8)
            ignored = cv2.warpAffine(unknown, matrix, size, flags=cv2.INTER_NEAREST, borderValue=0, **border) > 0
        return np.asarray(rgb, np.uint8), np.asarray(labels, np.uint16), ignored

    def _centre(self, which: int, scale: float, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return where a crop is taken, x and y in plane pixels: half of them around an object."""
        boxes = self._boxes[which]
        sides = np.array(self.planes[which].labels.shape[::-1], np.float64)
        half = self.size / scale / 2
        if boxes and rng.random() < 0.5:
            rows, columns = boxes[int(rng.integers(len(boxes)))]
            middle = np.array([(columns.start + columns.stop) / 2, (rows.start + rows.stop) / 2])
            middle += rng.uniform(-half, half, 2)
        else:
            middle = rng.uniform(0, 1, 2) * sides
        low = np.minimum(half * 0.9, sides / 2)
        clipped: NDArray[np.float64] = np.clip(middle, low, sides - low)
        return clipped


def _turned(rng: np.random.Generator, how: Augmentation) -> NDArray[np.float64]:
    """Return a random 2 x 2 map of x, y: quarter turns, mirror, a little stretch, and now and then any angle."""
    angle = math.pi / 2 * rng.integers(4)
    if rng.random() < how.turn:
        angle += rng.uniform(-math.pi / 4, math.pi / 4)
    cosine, sine = math.cos(angle), math.sin(angle)
    stretch = math.exp(rng.uniform(-1, 1) * math.log(how.stretch))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    return np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([mirror * stretch, 1 / stretch])


def vary(rgb: NDArray[np.uint8], rng: np.random.Generator, how: Augmentation) -> NDArray[np.uint8]:
    """Change a picture's intensities as another microscope, stain or contrast window might."""
    with imported():
        import cv2
    picture = rgb.astype(np.float32)
    if rng.random() < how.invert:
        picture = 255 - picture
    if how.light and rng.random() < 0.8:
        picture = _relit(picture, rng, how.light)
    if rng.random() < how.blur:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.5)), np.float32)
    if rng.random() < how.noise:
        same = (rgb[..., :1] == rgb[..., 1:]).all()
        noise = rng.standard_normal((*rgb.shape[:2], 1 if same else 3), np.float32)
        picture = picture + noise * rng.uniform(1, 12)
    varied: NDArray[np.uint8] = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    return varied


def _relit(picture: NDArray[np.float32], rng: np.random.Generator, strength: float) -> NDArray[np.float32]:
    """Change contrast, brightness and gamma, and the colours of a picture that has any."""
    gain = math.exp(rng.uniform(-0.5, 0.5) * strength)
    low = float(np.percentile(picture[::8, ::8], 2))
    relit = (picture - low) * gain + low + rng.uniform(-20, 20) * strength
    np.clip(relit, 0, 255, out=relit)
    if rng.random() < 0.5:
        relit = 255 * (relit / 255) ** math.exp(rng.uniform(-0.5, 0.5) * strength)
    if (picture[::8, ::8, 0] != picture[::8, ::8, 1]).any():
        relit = relit * (1 + rng.uniform(-0.15, 0.15, 3) * strength).astype(np.float32)
        if rng.random() < 0.15:
            relit = np.repeat(relit.mean(axis=2, keepdims=True), 3, axis=2)
        elif rng.random() < 0.15:
            relit = relit[..., rng.permutation(3)]
    varied: NDArray[np.float32] = relit.astype(np.float32)
    return varied


def _objects(labels: NDArray[np.uint16]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Return a crop's objects numbered anew, and their boxes; slivers of objects at its edge are left out."""
    size = labels.shape[0]
    values, numbered = np.unique(labels, return_inverse=True)
    numbered = numbered.reshape(labels.shape)
    if values[0] != 0:
        numbered, values = numbered + 1, np.concatenate([[0], values])
    areas = np.bincount(numbered.ravel(), minlength=len(values))
    usual = np.median(areas[1:]) if len(areas) > 1 else 0
    kept = np.zeros(len(values), np.int16)
    boxes: list[tuple[float, float, float, float]] = []
    for number, where in enumerate(ndimage.find_objects(numbered), start=1):
        rows, columns = where
        cut = rows.start == 0 or columns.start == 0 or rows.stop == size or columns.stop == size
        if areas[number] < _SMALLEST_AREA or (cut and areas[number] < _SMALLEST_SHARE * usual):
            continue
        kept[number] = len(boxes) + 1
        middle = ((columns.start + columns.stop) / 2, (rows.start + rows.stop) / 2)
        boxes.append((*middle, columns.stop - columns.start, rows.stop - rows.start))
    return kept[numbered], np.array(boxes, np.float32).reshape(-1, 4) / np.float32(size)


def collate(crops: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put crops together into the batch that ultralytics' loss reads."""
    import torch

    counts = [len(crop["bboxes"]) for crop in crops]
    return {
        "img": torch.from_numpy(np.stack([crop["img"] for crop in crops])),
        "masks": torch.from_numpy(np.stack([crop["masks"] for crop in crops])),
        "undecided": torch.from_numpy(np.stack([crop["undecided"] for crop in crops])),
        "bboxes": torch.from_numpy(np.concatenate([crop["bboxes"] for crop in crops])),
        "cls": torch.from_numpy(np.concatenate([crop["cls"] for crop in crops])),
        "batch_idx": torch.repeat_interleave(torch.arange(len(crops), dtype=torch.float32), torch.tensor(counts)),
    }
