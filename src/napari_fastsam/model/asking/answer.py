"""Prompts to objects, looking again where the first look saw nothing.

The first look is one pass over the whole plane. A prompt that no object fits is not answered with a guess: first the
proposals below the confidence threshold are asked, then the network looks at a zoomed crop around the prompt, and only
then it is said that nothing was found.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.core.likeness.descriptors import describe_instances, descriptor_kind
from napari_fastsam.core.likeness.search import Search
from napari_fastsam.core.likeness.text import TextEncoder, crop_kind, crop_maker
from napari_fastsam.core.objects.embeddings import Describe
from napari_fastsam.core.objects.instances import Instances, check_thresholds
from napari_fastsam.core.objects.masks import LazyMasks
from napari_fastsam.core.objects.painting import paint as paint_crops
from napari_fastsam.core.objects.proposals import CONF_FLOOR, Proposals
from napari_fastsam.core.prompts.grouping import prompt_refs, subset
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.selection import Selection, select_alike, select_drawn
from napari_fastsam.errors import ParameterError
from napari_fastsam.model.asking.windows import Window, may_be_there, windows_for
from napari_fastsam.model.network.segmenter import Model

__all__ = ["Look", "Thresholds", "Window", "answer", "from_kept", "look", "look_closer", "paint"]

T = TypeVar("T")

GENEROUS_IOU = 0.9
"""Suppression for the second question: nearly everything that the network proposed."""

PROMPT_IOU = 0.7
"""Suppression is not stricter than this for prompts: it would only take away what a person can step to."""

_DRAWN = ("box", "outline")

_BORDER = 1.5
"""Objects that come this close, in pixels, to where a crop was cut may be cut themselves."""


@dataclass(frozen=True)
class Thresholds:
    """What an object must reach to be chosen.

    Attributes
    ----------
    conf, iou, min_area, max_area
        As in `Instances.filter`.
    """

    conf: float = 0.25
    iou: float = 0.7
    min_area: float | None = None
    max_area: float | None = None

    def __post_init__(self) -> None:
        check_thresholds(self.conf, self.iou, self.min_area, self.max_area)


@dataclass(frozen=True, eq=False)
class Look:
    """A plane that has been through the network, and the crops of it that went through again.

    Attributes
    ----------
    model
        The network.
    rgb
        (H, W, 3) uint8, the plane as the network sees it.
    proposals
        What the pass over the whole plane said.
    closer
        What further passes said, by window, those needed last at the end. Grows until `let_go_closer`.
    """

    model: Model
    rgb: NDArray[np.uint8]
    proposals: Proposals
    closer: OrderedDict[Window, Proposals] = field(default_factory=OrderedDict, repr=False)

    @property
    def object_diameter(self) -> float | None:
        """What objects of this plane are usually across, in its pixels; None = nothing is known."""
        shown = self.model.card.shown_diameter
        return self.model.card.object_diameter if shown is None else shown / self.proposals.letterbox.gain

    def instances(self, thresholds: Thresholds) -> Instances:
        """Return all objects that reach the thresholds."""
        return self.proposals.instances(**asdict(thresholds))

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.rgb.nbytes + self.proposals.nbytes + sum(p.nbytes for p in tuple(self.closer.values()))


def look(
    model: Model,
    image: ArrayLike,
    imgsz: int | None = None,
    contrast_limits: tuple[float, float] | None = None,
    conf_floor: float = CONF_FLOOR,
) -> Look:
    """Run the first pass and keep all that live thresholds and prompts may ask for.

    Parameters and errors are those of `Model.segment`.
    """
    rgb = model.rgb8(image, contrast_limits)
    return Look(model, rgb, model.propose(rgb, imgsz, conf_floor))


def answer(
    model: Model,
    image: ArrayLike,
    prompts: Prompts,
    *,
    imgsz: int | None = None,
    conf: float | None = None,
    iou: float | None = None,
    contrast_limits: tuple[float, float] | None = None,
    min_area: float | None = None,
    max_area: float | None = None,
    text_encoder: TextEncoder | None = None,
    text_threshold: float | None = None,
    text_best: bool = False,
    example_threshold: float | None = None,
) -> list[Selection]:
    """Find the object of each prompt on one plane, looking closer where the first look saw nothing.

    Texts and examples choose among all objects that pass the thresholds.

    Parameters
    ----------
    model, image, imgsz, conf, iou, contrast_limits
        As in `Model.segment`.
    prompts
        In pixels of the image.
    min_area, max_area
        Pixels of an object's mask, both included.
    text_encoder, text_threshold, text_best, example_threshold
        As in `core.prompts.selection.select`.

    Returns
    -------
    list of Selection
        In the order of `core.prompts.selection.select`.
    """
    thresholds = Thresholds(*model.thresholds(conf, iou), min_area, max_area)
    search = Search(text_threshold, text_best, example_threshold)
    check_encoder(prompts, text_encoder)
    seen = look(model, image, imgsz, contrast_limits, min(thresholds.conf, CONF_FLOOR))
    selections = until_answered(
        lambda: from_kept(seen, prompts, thresholds), lambda missing: look_closer(seen, missing)
    )
    return selections + select_alike(seen.instances(thresholds), prompts, search, text_encoder)


def until_answered(
    ask: Callable[[], tuple[list[Selection], list[T]]], look: Callable[[list[T]], Iterable[int]]
) -> list[Selection]:
    """Ask, have the network look at what is missing, and ask again, until nothing is.

    Parameters
    ----------
    ask
        `from_kept` of something.
    look
        `look_closer` of the same.
    """
    while True:
        selections, missing = ask()
        if not missing:
            return selections
        for _ in look(missing):
            pass


def from_kept(seen: Look, prompts: Prompts, thresholds: Thresholds) -> tuple[list[Selection], list[Window]]:
    """Answer what was drawn from what is kept, without the network.

    Returns
    -------
    selections
        One a point, box, outline or scribble, in the order of `select_drawn`.
    missing
        Crops that the network has yet to look at before the prompts without an object can be called unanswered.
    """
    selections = _choose(seen.proposals, prompts, thresholds)
    missing: list[Window] = []
    for i, selection in enumerate(selections):
        if not selection.found and may_be_there(selection.prompt, prompts, seen.proposals.shape):
            selections[i], wanted = _second_look(seen, prompts, selection, thresholds)
            missing += wanted
    return selections, list(dict.fromkeys(missing))


def check_encoder(prompts: Prompts, text_encoder: TextEncoder | None) -> None:
    """Raise a ParameterError if there are texts and nothing that compares them with pictures."""
    if prompts.texts and text_encoder is None:
        raise ParameterError("there are texts and no text_encoder; expected one from load_text_encoder")


def ways_of(
    prompts: Prompts, text_encoder: TextEncoder | None, instances: Instances
) -> list[tuple[Hashable, Describe]]:
    """Return the descriptions of objects that a search by words or examples compares, and what makes each."""
    return ways_for(text_encoder if prompts.texts else None, prompts.has_examples, instances)


def ways_for(text_encoder: TextEncoder | None, examples: bool, instances: Instances) -> list[tuple[Hashable, Describe]]:
    """Return how objects are described for words, if there is an encoder, and for examples, if any may come."""
    ways: list[tuple[Hashable, Describe]] = []
    if text_encoder is not None:
        ways.append((crop_kind(text_encoder), crop_maker(text_encoder)))
    if examples:
        ways.append((descriptor_kind(instances), describe_instances))
    return ways


def look_closer(seen: Look, windows: Sequence[Window], stop: Callable[[], bool] | None = None) -> Iterator[int]:
    """Run the network on crops and keep what it says in `seen`; yields how many are done.

    One window after the other, so that a caller can stop in between.
    """
    for done, window in enumerate(windows, start=1):
        if stop is not None and stop():
            return
        if window not in seen.closer:
            crop = np.ascontiguousarray(seen.rgb[slice(*window.rows), slice(*window.columns)])
            proposals = seen.model.propose(crop, seen.model.at_most(window.imgsz))
            # nobody searches a crop by looks
            seen.closer[window] = replace(proposals, appearance=None)
        yield done


def let_go_closer(seen: Look, prompts: Prompts, limit: int) -> None:
    """Drop closer looks that drawn prompts do not need, those needed longest ago first, until the others fit.

    Parameters
    ----------
    seen
        What was seen of a plane.
    prompts
        Those asked about now, in its pixels.
    limit
        Bytes that closer looks may take. What the prompts need stays, also if it alone takes more: it would be looked
        at again at once.
    """
    shape = seen.proposals.shape
    needed = {
        window
        for ref in prompt_refs(prompts)
        for window in windows_for(ref, prompts, shape, seen.model.card, seen.object_diameter)
    }
    held = sum(kept.nbytes for kept in tuple(seen.closer.values()))
    for window, kept in tuple(seen.closer.items()):
        if window in needed:  # another thread may ask for it meanwhile: it is never missing
            seen.closer.move_to_end(window)
        elif held > limit:
            del seen.closer[window]
            held -= kept.nbytes


def paint(
    selections: Sequence[Selection], shape: tuple[int, int], ids: Sequence[int] | None = None
) -> NDArray[np.int32]:
    """Paint the selections' objects into a label image.

    Parameters
    ----------
    selections
        As `answer` or `select` gives them.
    shape
        ``(H, W)`` of the plane.
    ids
        A positive number for each; None means its place in `selections`, from 1. A prompt without an object leaves its
        number unused.

    Returns
    -------
    numpy.ndarray
        (H, W) int32, 0 = background.
    """
    return paint_crops([s.crop for s in selections], shape, ids)


def _second_look(
    seen: Look, prompts: Prompts, unanswered: Selection, thresholds: Thresholds
) -> tuple[Selection, list[Window]]:
    """Answer one prompt from the closer looks; also the first window that is still to be looked at."""
    ref, shape = unanswered.prompt, seen.proposals.shape
    alone, refs = subset(prompts, [ref])
    place = next(i for i, other in enumerate(refs) if other.kind == ref.kind)
    for window in windows_for(ref, prompts, shape, seen.model.card, seen.object_diameter):
        proposals = seen.closer.get(window)
        if proposals is None:
            return unanswered, [window]
        found = _choose(proposals, alone, thresholds, partial(_whole_on_plane, window=window, shape=shape))[place]
        if found.found:
            return replace(found, prompt=ref, reason=f"{found.reason}, seen only in a closer look"), []
    return replace(unanswered, reason=f"{unanswered.reason}, nor in a closer look"), []


def _choose(
    proposals: Proposals,
    prompts: Prompts,
    thresholds: Thresholds,
    place: Callable[[Instances], Instances] = lambda instances: instances,
) -> list[Selection]:
    """Choose among what one pass proposed: what passes the thresholds first, then everything.

    A box or an outline says where its object is and how large, which is worth more than a score: it always chooses
    among everything (benchmarks/prompt_accuracy.py: mean IoU 0.752 instead of 0.737).
    """
    sure = place(proposals.subset(proposals.ranks(thresholds.conf, max(thresholds.iou, PROMPT_IOU))))
    selections = [_of_size(s, thresholds) for s in select_drawn(sure, prompts)]
    if all(s.found and s.prompt.kind not in _DRAWN for s in selections):
        return selections
    suppressed = max(thresholds.iou, GENEROUS_IOU)
    everything = place(proposals.subset(proposals.ranks(min(thresholds.conf, proposals.conf_floor), suppressed)))
    for i, selection in enumerate(select_drawn(everything, prompts)):
        other = _of_size(selection, thresholds)
        if other.found and (not selections[i].found or other.prompt.kind in _DRAWN):
            low = f", below the confidence threshold: {other.score:.2f}" if other.score <= thresholds.conf else ""
            selections[i] = replace(other, reason=other.reason + low)
    return selections


def _of_size(selection: Selection, thresholds: Thresholds) -> Selection:
    """Leave out the candidates whose area is out of bounds."""
    if not selection.found or (thresholds.min_area is None and thresholds.max_area is None):
        return selection
    areas = np.array([selection.instances.masks[i].area for i in selection.candidates.tolist()])
    keep = areas >= (thresholds.min_area or 0)
    if thresholds.max_area is not None:
        keep &= areas <= thresholds.max_area
    if keep.all():
        return selection
    reason = (
        "the right size among others there" if keep.any() else "what fits is smaller or larger than the area allows"
    )
    return replace(selection, candidates=selection.candidates[keep], fits=selection.fits[keep], reason=reason)


def _whole_on_plane(instances: Instances, window: Window, shape: tuple[int, int]) -> Instances:
    """Place the instances of a crop on the plane, without those that the crop's border cuts.

    The plane's own border cuts nothing that could be seen whole.
    """
    y0, x0, y1, x1 = instances.boxes.T
    height, width = instances.shape
    whole = np.ones(len(instances), bool)
    whole &= (y0 > _BORDER) | (window.rows[0] == 0)
    whole &= (x0 > _BORDER) | (window.columns[0] == 0)
    whole &= (y1 < height - _BORDER) | (window.rows[1] == shape[0])
    whole &= (x1 < width - _BORDER) | (window.columns[1] == shape[1])
    kept = instances.subset(whole)
    top, left = window.rows[0], window.columns[0]
    masks = LazyMasks(lambda i: kept.masks[i].moved(top, left), np.arange(len(kept)))
    boxes = kept.boxes + np.array([top, left, top, left], np.float32)
    return Instances(boxes, kept.scores, masks, shape)
