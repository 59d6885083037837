"""Stage one: an image plane through the network, once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.core.image.geometry import STRIDE_NETWORK, Letterbox, checked_imgsz
from napari_fastsam.core.image.intensity import NormalizationRule, check_plane, to_rgb8, window_of
from napari_fastsam.core.likeness.descriptors import LEVELS
from napari_fastsam.core.objects.features import FeatureMap, ImageFeatures
from napari_fastsam.core.objects.instances import Instances, check_thresholds
from napari_fastsam.core.objects.proposals import CONF_FLOOR, MAX_PROPOSALS, Proposals
from napari_fastsam.errors import ModelError, ParameterError
from napari_fastsam.model.network.device import DeviceLike, resolve_device, told_of_memory
from napari_fastsam.model.network.interruption import each_layer_asks
from napari_fastsam.model.network.object_scale import FLOOR, look_at_scale
from napari_fastsam.model.network.torch_ import require_torch
from napari_fastsam.model.network.ultralytics_ import imported
from napari_fastsam.model.weights.card import Card
from napari_fastsam.model.weights.formats import format_of
from napari_fastsam.model.weights.weights import BUNDLED_NAME, card_for, find, sha256_of

if TYPE_CHECKING:
    import torch

__all__ = ["Model", "load_model", "resolve_device"]

CONF, IOU = 0.25, 0.7
"""Ultralytics' thresholds, for models whose card has none."""

MAX_NATIVE_PIXELS = 4096 * 4096
"""A plane that would be shown larger is reduced to this many input pixels."""

SOURCE_DIGITS = 12
"""Hexadecimal digits that tell two checkpoints apart."""

GREY = 114
"""What ultralytics fills the padding with, and so what its networks were trained on."""


@dataclass(frozen=True, eq=False)
class Model:
    """A segmentation network that is ready to run.

    Attributes
    ----------
    name
        As it was asked for.
    path
        The checkpoint's file.
    device
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
    card
        What is known about the model.
    network
        (1, 3, h, w) float32 from 0 to 1 → ``((predictions, prototypes), …)``: (1, 4 + classes + K, A) and
        (1, K, h / 4, w / 4). A torch module, or an exported model that is called like one.
    fixed_input
        Height and width of the only input that an exported model takes; None = any multiple of 32.
    source
        The first digits of the checkpoint's SHA-256, which tell its features from those of other models; empty where
        they are compared with no other's.
    """

    name: str
    path: Path
    device: str
    card: Card
    network: Callable[[torch.Tensor], Any] = field(repr=False)
    fixed_input: tuple[int, int] | None = None
    source: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def segment(
        self,
        image: ArrayLike,
        imgsz: int | None = None,
        conf: float | None = None,
        iou: float | None = None,
        contrast_limits: tuple[float, float] | None = None,
    ) -> Instances:
        """Find all objects of one image plane.

        Parameters
        ----------
        image
            (Y, X) or (Y, X, 3 | 4), RGB(A), any real dtype.
        imgsz
            Length that the longer side is shown to the network at, in pixels; None = what suits the model's card and
            the image.
        conf
            Lowest confidence, itself left out; None = as in `thresholds`.
        iou
            Of two boxes that overlap more than this the better stays; None = as in `thresholds`.
        contrast_limits
            Values shown as black and white; None = those of `core.image.intensity.window_of` by the card's rule.

        Returns
        -------
        Instances
            Best first.

        Raises
        ------
        ImageError
            If the array is not one plane of real numbers with a finite value in it.
        ParameterError
            If a threshold or `imgsz` is outside its range.
        """
        conf, iou = self.thresholds(conf, iou)
        return self.propose(self.rgb8(image, contrast_limits), imgsz, conf_floor=conf).instances(conf, iou)

    def shown_by(self, rule: NormalizationRule) -> Model:
        """Return the same model with another rule for intensity windows than its card's; see `window_of`."""
        return replace(self, card=replace(self.card, window=rule))

    def thresholds(self, conf: float | None = None, iou: float | None = None) -> tuple[float, float]:
        """Return confidence and IoU as given, or else those that find everything best: the card's, or ultralytics' own.

        Raises
        ------
        ParameterError
            If one of them is not from 0 to 1.
        """
        conf = conf if conf is not None else self.card.conf if self.card.conf is not None else CONF
        iou = iou if iou is not None else self.card.iou if self.card.iou is not None else IOU
        check_thresholds(conf, iou)
        return conf, iou

    def rgb8(self, image: ArrayLike, contrast_limits: tuple[float, float] | None = None) -> NDArray[np.uint8]:
        """Turn a plane into what this network sees: `core.image.intensity.to_rgb8` with the window of its card.

        Parameters and errors are those of `segment`.
        """
        if contrast_limits is None:
            contrast_limits = window_of(check_plane(image), self.card.window)
        return to_rgb8(image, contrast_limits)

    def propose(
        self,
        rgb: NDArray[np.uint8],
        imgsz: int | None = None,
        conf_floor: float = CONF_FLOOR,
        plane: tuple[int, int] | None = None,
    ) -> Proposals:
        """Run the network once and keep what it said.

        Parameters
        ----------
        rgb
            (Y, X, 3) uint8, as `core.image.intensity.to_rgb8` makes it.
        imgsz
            As in `segment`.
        conf_floor
            Proposals up to this score are dropped.
        plane
            ``(H, W)`` of what `rgb` shows, where only every so many pixels were read: proposals are in its pixels. None
            = that of `rgb`.
        """
        shape = plane or rgb.shape[:2]
        if imgsz is None and self.card.imgsz is None and self.card.shown_diameter is not None:
            # the size of the objects is measured alike whatever somebody wants to see of them
            floor = min(conf_floor, FLOOR)
            return look_at_scale(
                lambda scale: self._look(rgb, _rounded(_native_size(shape, scale)), floor, shape),
                self.card.shown_diameter,
            )
        return self._look(rgb, self.imgsz_for(shape, imgsz), conf_floor, shape)

    def _look(self, rgb: NDArray[np.uint8], imgsz: int, conf_floor: float, shape: tuple[int, int]) -> Proposals:
        """Run the network on a plane at one input size."""
        import torch

        letterbox = Letterbox(shape, self.at_most(imgsz), self.fixed_input)
        picture = torch.from_numpy(_letterboxed(rgb, letterbox))
        with self._lock, torch.inference_mode(), told_of_memory(self.device, max(picture.shape[:2])):
            predictions, prototypes, features = self._forward(picture)
            kept = _keep(predictions, prototypes, letterbox, conf_floor, by_centre=self.card.box_pixels == "centre")
            return replace(kept, image_features=ImageFeatures(rgb, _maps(features, letterbox), self.source))

    def imgsz_for(self, shape: tuple[int, int], imgsz: int | None = None) -> int:
        """Return the input size that a plane of `shape` is shown at, or at first, a multiple of 32.

        Raises
        ------
        ParameterError
            If `imgsz` is not a whole number from 32 to 8192, or more than an exported model takes.
        """
        suited = self.card.imgsz or _native_size(shape, self.card.scale)
        if imgsz is None:
            return self.at_most(_rounded(suited))
        size = _rounded(checked_imgsz(imgsz))
        if size != self.at_most(size):
            raise ParameterError(
                f"imgsz is {imgsz}, but {self.path.name} was exported for {self.at_most(size)} pixels; "
                f"take that or less, or export it again with a larger imgsz"
            )
        return size

    def at_most(self, imgsz: int) -> int:
        """Return `imgsz`, or the longer side of the only input that an exported model takes if that is less."""
        return imgsz if self.fixed_input is None else min(imgsz, max(self.fixed_input))

    def _forward(self, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        """(h, w, 3) uint8 → (4 + classes + K, A) predictions, (K, h/4, w/4) prototypes, (C, h/s, w/s) feature maps."""
        # a permuted (h, w, 3) array is what torch calls channels_last, the layout the network was put in
        batch = picture.to(self.device, non_blocking=True).permute(2, 0, 1)[None].float().div_(255)
        with each_layer_asks(self.network), _head_heard(self.network) as features:
            (predictions, prototypes), *_ = self.network(batch)
        return predictions[0], prototypes[0], [level[0] for level in features]


def check_model(model: Any) -> None:
    """Raise a ModelError for the name or path of a model where a loaded one is expected."""
    if isinstance(model, str | Path):
        raise ModelError(f"model is {str(model)!r}; expected a loaded one: load_model({str(model)!r})")


def load_model(name: str | Path = BUNDLED_NAME, device: DeviceLike = "auto") -> Model:
    """Load a model and make it ready to run.

    Parameters
    ----------
    name
        A name of the registry (``nuclei``, ``FastSAM-s``, ``FastSAM-x``) whose file is there, or the path of a
        checkpoint or of an exported model.
    device
        ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; a `torch.device`; or the number of a
        GPU.

    Raises
    ------
    ModelError
        If the file is missing, truncated, refused by the restricted loader or not a segmentation model, or torch or the
        library that runs an exported model is not installed.
    DeviceError
        If there is no such device.
    """
    require_torch()
    # here, and the dock opens without them
    from napari_fastsam.model.network.checkpoint import card_of, prepared, read_network
    from napari_fastsam.model.network.exported import card_of_export, load_exported

    path = find(name)
    card = card_for(path)
    format_ = format_of(path)
    if format_ is not None:
        exported = load_exported(path, format_, device)
        if card.origin == "unknown":
            card = card_of_export(exported, card)
        return Model(str(name), path, exported.device, card, exported, exported.fixed_input)
    where = resolve_device(device)
    network, checkpoint = read_network(path)
    if card.origin == "unknown":
        card = card_of(checkpoint, card)
    return Model(str(name), path, where, card, prepared(network, where), source=sha256_of(path)[:SOURCE_DIGITS])


def _rounded(size: int) -> int:
    return -(-size // STRIDE_NETWORK) * STRIDE_NETWORK


def _native_size(shape: tuple[int, int], scale: float) -> int:
    """Return the input size that shows a plane at its own scale, or the largest that memory is likely to hold."""
    longest, shortest = max(shape) * scale, min(shape) * scale
    if longest * max(shortest, STRIDE_NETWORK) > MAX_NATIVE_PIXELS:
        # narrow planes are padded to the stride
        longest = min(MAX_NATIVE_PIXELS / STRIDE_NETWORK, (MAX_NATIVE_PIXELS * longest / shortest) ** 0.5)
    return max(STRIDE_NETWORK, round(longest))


def _letterboxed(rgb: NDArray[np.uint8], letterbox: Letterbox) -> NDArray[np.uint8]:
    """Scale and pad a plane to the network's input."""
    if letterbox.content != rgb.shape[:2]:
        with imported():
            import cv2
        height, width = letterbox.content
        # the same resampling as in training; scikit-image's differs in the last bit and so in the instances
        rgb = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    if letterbox.content == letterbox.input:
        return np.require(rgb, requirements=("C", "W"))  # torch warns of arrays that are read-only
    picture = np.full((*letterbox.input, 3), GREY, np.uint8)
    (top, left), (height, width) = letterbox.padding, letterbox.content
    picture[top : top + height, left : left + width] = rgb
    return picture


@contextmanager
def _head_heard(network: Any) -> Iterator[list[torch.Tensor]]:
    """Collect what the head is given: feature maps, fine to coarse. An exported model has none to give."""
    features: list[torch.Tensor] = []
    layers = getattr(network, "model", None)
    if layers is None:
        yield features
        return
    hook = layers[-1].register_forward_pre_hook(lambda _, given: features.extend(given[0]))
    try:
        yield features
    finally:
        hook.remove()


def _maps(features: list[torch.Tensor], letterbox: Letterbox) -> tuple[FeatureMap, ...]:
    """Bring feature maps to numpy, (h, w, C) each. On a processor they stay where they are, in channels_last."""
    height = letterbox.input[0]
    return tuple(
        FeatureMap(level.permute(1, 2, 0).cpu().numpy(), stride=height / level.shape[1]) for level in features[:LEVELS]
    )


def _keep(
    predictions: torch.Tensor, prototypes: torch.Tensor, letterbox: Letterbox, conf_floor: float, *, by_centre: bool
) -> Proposals:
    """Sort and cut what the network said, and bring it to numpy.

    Several classes, if a model has them, count as one: the score is that of the best.
    """
    count = prototypes.shape[0]
    scores = predictions[4:-count].amax(0)
    rows = (scores > conf_floor).nonzero().flatten()
    order = scores[rows].argsort(descending=True, stable=True)[:MAX_PROPOSALS]
    rows = rows[order]
    centre, size = predictions[:2, rows], predictions[2:4, rows]
    return Proposals(
        boxes_input=_array(_corners(centre, size).T),
        scores=_array(scores[rows]),
        coefficients=_array(predictions[-count:, rows].T),
        prototypes=_array(prototypes.permute(1, 2, 0)),
        letterbox=letterbox,
        conf_floor=conf_floor,
        by_centre=by_centre,
    )


def _corners(centre: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.cat([centre - size / 2, centre + size / 2])


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    # a copy: torch may use the memory of its output again
    return np.array(tensor.float().cpu().numpy(), order="C")
