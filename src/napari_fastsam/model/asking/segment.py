"""The public functions: a plane of any size → a prediction, its objects, or the objects at prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.core.image.channels import COLOURED, ChannelLike, channels_of, colour_plane
from napari_fastsam.core.likeness.text import TextEncoder
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.painting import paint as paint_crops
from napari_fastsam.core.objects.proposals import CONF_FLOOR
from napari_fastsam.core.planes.tiling import LabelArray, Tiling
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.selection import Selection
from napari_fastsam.errors import ParameterError
from napari_fastsam.model.asking.beside import BesideOthers, OtherProposals
from napari_fastsam.model.asking.descriptors import no_descriptors
from napari_fastsam.model.asking.fine_edges import polish_instances
from napari_fastsam.model.asking.plane_prediction import PlanePrediction, predict_plane
from napari_fastsam.model.asking.plane_scale import PlaneLike, is_large, sampled_window, suited_imgsz, write_labels
from napari_fastsam.model.asking.prediction import Prediction, check_encoder
from napari_fastsam.model.asking.refining import Refiner
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.asking.tiled import TiledResult
from napari_fastsam.model.asking.tiled_prediction import TiledPrediction
from napari_fastsam.model.correcting.weights import default_corrector
from napari_fastsam.model.network.segmenter import Model, check_model


def predict(
    model: Model,
    image: ArrayLike | PlaneLike,
    *,
    imgsz: int | None = None,
    diameter: float | None = None,
    scale: float | None = None,
    contrast_limits: tuple[float, float] | None = None,
    conf_floor: float = CONF_FLOOR,
    tiled: bool | None = None,
    channels: Sequence[int] | None = None,
    channel_axis: int = 0,
    others: OtherProposals | None = None,
) -> Prediction:
    """Show a plane to the network once, and keep what it says for all that is asked later.

    A plane of more than `model.asking.plane_scale.LARGE` pixels is seen in tiles, each as soon as a prompt needs it.

    Parameters
    ----------
    model
        The network.
    image
        (Y, X) or (Y, X, 3 | 4); numpy, dask or zarr, which are read tile by tile where the plane is large.
    imgsz, contrast_limits
        As in `Model.segment`; of a large plane the window is one for all tiles, by default from a sample of it.
    diameter, scale
        As in `Tiling`, instead of `imgsz`.
    conf_floor
        Scores up to this are not kept; no later question can ask for a lower confidence.
    tiled
        Whether the plane is seen in tiles; None = by its size, and in one pass where `imgsz` is given.
    channels, channel_axis
        Of an image with an axis of channels: which of them are seen, and along which axis they lie, (C, Y, X) by
        default. Two or three are seen together, as colours, each in a window of its own; see
        `core.image.channels.colour_plane`.
    others
        What another program found on the plane: its objects are proposals beside the network's. See
        `OtherProposals.of_labels`.

    Returns
    -------
    Prediction
        Its `select` answers prompts.

    Raises
    ------
    ImageError
        If the image is no plane of real numbers, or has no finite value.
    ParameterError
        If a parameter is out of its range.
    """
    check_model(model)
    data: Any = image if hasattr(image, "shape") else np.asarray(image)
    if channels is not None:
        data, contrast_limits = _with_channels(model, channels_of(data, channels, channel_axis), contrast_limits)
    tiling = Tiling(diameter, scale)
    found: Prediction
    if is_large(data.shape, imgsz) if tiled is None else tiled:
        limits = sampled_window(model, data) if contrast_limits is None else contrast_limits
        found = TiledPrediction(model, data, tiling, limits, conf_floor=conf_floor)
    else:
        pixels = np.asarray(data[:, :]) if len(data.shape) > 1 else np.asarray(data)
        imgsz = suited_imgsz(model, pixels, tiling, contrast_limits) if imgsz is None else imgsz
        found = predict_plane(model, pixels, imgsz, contrast_limits, conf_floor)
    return found if others is None else BesideOthers(found, others)


def _with_channels(
    model: Model, channels: Sequence[ChannelLike], contrast_limits: tuple[float, float] | None
) -> tuple[Any, tuple[float, float] | None]:
    """Return channels as one plane, and the limits in which it is shown."""
    if len(channels) == 1:
        return channels[0], contrast_limits
    if contrast_limits is not None:
        raise ParameterError(
            f"contrast_limits is {contrast_limits} but several channels are combined, each with limits of its own; "
            f"leave contrast_limits out, or hand over `colour_plane(channels, limits=…)`"
        )
    return colour_plane(channels, model.card.window), COLOURED


class SegmentOptions(TypedDict, total=False):
    """What `segment` takes by name."""

    imgsz: int | None
    diameter: float | None
    scale: float | None
    conf: float | None
    iou: float | None
    contrast_limits: tuple[float, float] | None
    min_area: float | None
    max_area: float | None
    text_encoder: TextEncoder | None
    text_threshold: float | None
    text_best: bool
    example_threshold: float | None
    refine: bool | Refiner
    fine_edges: bool
    labels: LabelArray | None
    tiled: bool | None
    channels: Sequence[int] | None
    channel_axis: int
    others: OtherProposals | None


@overload
def segment(
    model: Model, image: ArrayLike | PlaneLike, prompts: Prompts, **options: Unpack[SegmentOptions]
) -> list[Selection]: ...
@overload
def segment(
    model: Model, image: ArrayLike | PlaneLike, prompts: None = None, **options: Unpack[SegmentOptions]
) -> Instances | TiledResult: ...
def segment(
    model: Model,
    image: ArrayLike | PlaneLike,
    prompts: Prompts | None = None,
    *,
    imgsz: int | None = None,
    diameter: float | None = None,
    scale: float | None = None,
    conf: float | None = None,
    iou: float | None = None,
    contrast_limits: tuple[float, float] | None = None,
    min_area: float | None = None,
    max_area: float | None = None,
    text_encoder: TextEncoder | None = None,
    text_threshold: float | None = None,
    text_best: bool = False,
    example_threshold: float | None = None,
    refine: bool | Refiner = True,
    fine_edges: bool = False,
    labels: LabelArray | None = None,
    tiled: bool | None = None,
    channels: Sequence[int] | None = None,
    channel_axis: int = 0,
    others: OtherProposals | None = None,
) -> list[Selection] | Instances | TiledResult:
    """Find the objects of a plane of any size: all, or those at prompts.

    The network looks again where a prompt has no object, before it is said that there is none. Of a large plane it sees
    only the tiles in which something is drawn; everything, texts and examples are compared over all tiles.

    Parameters
    ----------
    model, image, imgsz, diameter, scale, contrast_limits, tiled, channels, channel_axis, others
        As in `predict`. Of everything on a plane in tiles, and where words or examples are searched for on it, the
        objects of `others` are left out.
    prompts
        In pixels of the image; None = all objects.
    conf, iou, min_area, max_area
        As in `Instances.filter`; confidence and overlap are by default those that suit the model.
    text_encoder, text_threshold, text_best, example_threshold
        As in `core.prompts.selection.select`.
    refine
        Whether clicks correct the objects at prompts, and by what.
    fine_edges
        Whether the correcting network draws the edges of proposed objects anew, at the plane's full resolution. Not for
        everything on a plane in tiles.
    labels
        (Y, X) where the label image of everything goes, all 0 at first: zarr for what is larger than the memory.
        None = into memory.

    Returns
    -------
    list of Selection, Instances or TiledResult
        With prompts, selections in the order of `core.prompts.selection.select`. Without, all objects: `Instances` of a
        plane of one pass, a `TiledResult` of one in tiles; both have `boxes`, `scores`, `areas` and `to_labels`.

    Raises
    ------
    ImageError
        If the image is no plane of real numbers, or has no finite value.
    ParameterError
        If a parameter is out of its range, there are texts and no encoder, or `labels` has another shape or a
        type that cannot hold all objects.
    """
    check_model(model)
    thresholds = Thresholds(*model.thresholds(conf, iou), min_area, max_area)
    floor = thresholds.conf if prompts is None else min(thresholds.conf, CONF_FLOOR)
    if prompts is not None:
        check_encoder(prompts, text_encoder)
    shown = {
        "imgsz": imgsz, "diameter": diameter, "scale": scale, "contrast_limits": contrast_limits,
        "channels": channels, "channel_axis": channel_axis, "others": others,
    }  # fmt: skip
    prediction = predict(model, image, **shown, conf_floor=floor, tiled=tiled)  # type: ignore[arg-type]
    if prompts is None:
        return _everything(prediction, thresholds, labels, fine_edges)
    return prediction.select(
        prompts,
        conf=thresholds.conf,
        iou=thresholds.iou,
        min_area=min_area,
        max_area=max_area,
        text_encoder=text_encoder,
        text_threshold=text_threshold,
        text_best=text_best,
        example_threshold=example_threshold,
        refine=refine,
        fine_edges=fine_edges,
    )


def _everything(
    prediction: Prediction, thresholds: Thresholds, labels: LabelArray | None, fine_edges: bool
) -> Instances | TiledResult:
    if not fine_edges:
        return prediction.everything(thresholds, labels)
    one_pass = prediction.network if isinstance(prediction, BesideOthers) else prediction
    if not isinstance(one_pass, PlanePrediction):
        raise ParameterError(
            "fine_edges is True and the plane is seen in tiles; leave it out, or see the plane in one pass, tiled=False"
        )
    found = polish_instances(default_corrector(), prediction, prediction.objects(thresholds, no_descriptors))
    if labels is not None:
        write_labels(labels, found.to_labels())
    return found


def paint(
    selections: Sequence[Selection], shape: tuple[int, int], ids: Sequence[int] | None = None
) -> NDArray[np.int32]:
    """Paint the selections' objects into a label image.

    Parameters
    ----------
    selections
        As `segment` or `select` gives them.
    shape
        ``(H, W)`` of the plane.
    ids
        A positive number for each; None means its place in `selections`, from 1. A prompt without an object leaves its
        number unused.

    Returns
    -------
    numpy.ndarray
        (H, W) int32, 0 = background.

    Raises
    ------
    ParameterError
        If an object lies beyond the plane, or the ids are not as many positive numbers.
    """
    return paint_crops([s.crop for s in selections], shape, ids)
