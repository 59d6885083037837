"""From a viewer's state to objects: one frozen request, the network's answer kept, the result of stage two.

The order of things: `Session.request` freezes what the person asked for (main thread), `Session.work` does what takes
long (any thread; touches no layer but to read pixels), `Session.result` answers from what is kept, in milliseconds
(main thread). What has gone stale meanwhile is never shown, because results are only ever made from a fresh request.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.instances import Crop
from napari_fastsam.core.painting import paint
from napari_fastsam.core.prompts import PromptRef, Prompts
from napari_fastsam.core.selection import Selection
from napari_fastsam.layers.cache import LookCache
from napari_fastsam.layers.plane import Plane
from napari_fastsam.layers.prompt_layers import ReadPrompts, read_prompts
from napari_fastsam.layers.read import Region, plane_shown, read_pixels
from napari_fastsam.model.answer import Look, Thresholds, Window, from_kept, look, look_closer

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Points, Shapes

    from napari_fastsam.model.segmenter import Model

Task = Literal["prompts", "everything"]


@dataclass(frozen=True)
class Controls:
    """What is set in the dock, as a value.

    Attributes
    ----------
    image, points, shapes
        The layers chosen.
    model, device, imgsz
        As `model.load_model` and `Model.segment` take them.
    task, region
        What to segment, and where.
    thresholds
        What an object must reach.
    """

    image: Image
    points: Points | None = None
    shapes: Shapes | None = None
    model: str = "nuclei"
    device: str = "auto"
    imgsz: int | None = None
    task: Task = "prompts"
    region: Region = "plane"
    thresholds: Thresholds = field(default_factory=Thresholds)


@dataclass(frozen=True, eq=False)
class Request:
    """All that a result depends on, frozen.

    Attributes
    ----------
    controls
        What was set in the dock.
    plane
        The plane and region meant.
    read
        The prompts on it.
    contrast_limits
        The image's, None for colours.
    key
        Equal for requests that one pass of the network serves.
    """

    controls: Controls
    plane: Plane
    read: ReadPrompts
    contrast_limits: tuple[float, float] | None
    key: Hashable

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return self.controls.task == "prompts" and len(self.read.prompts) == 0


@dataclass(frozen=True, eq=False)
class Found:
    """One object of a result: its number in the label image, mask, score and the prompt it answers."""

    number: int
    crop: Crop
    score: float
    prompt: str = ""
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Result:
    """What stage two made of a request.

    Attributes
    ----------
    request
        The request.
    objects
        What was found.
    unanswered
        Sentences about the prompts that have no object, and about those that were left out.
    missing
        Crops that the network has yet to look at.
    labels
        (Y, X) int32 label image of the region.
    seconds
        How long stage two took.
    """

    request: Request
    objects: tuple[Found, ...]
    unanswered: tuple[str, ...]
    missing: tuple[Window, ...]
    labels: NDArray[np.int32]
    seconds: float

    @property
    def scores(self) -> dict[int, float]:
        """Score by number in the label image."""
        return {found.number: found.score for found in self.objects}


_Answer = tuple[tuple[Found, ...], tuple[str, ...], tuple[Window, ...]]
"""Objects, what is unanswered, and the crops that the network has yet to look at."""


class Session:
    """One dock's work on one viewer: what is kept from call to call.

    Parameters
    ----------
    viewer
        The viewer whose layers are read.
    cache_limit
        Bytes that kept results may take.
    """

    def __init__(self, viewer: ViewerModel, cache_limit: int) -> None:
        self.viewer = viewer
        self.cache = LookCache(cache_limit)
        self._models: dict[tuple[str, str], Model] = {}
        self._generations: dict[Hashable, int] = {}
        self._numbers: dict[Hashable, int] = {}
        self._steps: dict[Hashable, int] = {}
        self._last_touched: Hashable | None = None

    def request(self, controls: Controls, keep_region: Plane | None = None) -> Request:
        """Freeze what is asked for now.

        Parameters
        ----------
        controls
            What is set in the dock.
        keep_region
            A plane of a request before: its region is taken again if the same plane is shown and holds all prompts, so
            that panning the view does not drop prompts that were answered.

        Raises
        ------
        ImageError
            If the image has no plane here that can be segmented.
        """
        image = controls.image
        plane = plane_shown(self.viewer, image, controls.region)
        read = read_prompts(self.viewer, image, plane, controls.points, controls.shapes)
        if (
            keep_region is not None
            and plane != keep_region
            and replace(plane, region=keep_region.region) == keep_region
        ):
            earlier = read_prompts(self.viewer, image, keep_region, controls.points, controls.shapes)
            if len(earlier.prompts) >= len(read.prompts):
                plane, read = keep_region, earlier
        limits = None if image.rgb else tuple(float(v) for v in image.contrast_limits)
        generation = self._generations.get(image.unique_id, 0)
        key = (image.unique_id, generation, plane, limits, controls.model, controls.device, controls.imgsz)
        return Request(controls, plane, read, limits, key)  # type: ignore[arg-type]

    def image_changed(self, image: Image) -> None:
        """Forget what was kept of an image whose data changed."""
        self._generations[image.unique_id] = self._generations.get(image.unique_id, 0) + 1
        self.cache.forget(lambda key: key[0] == image.unique_id)  # type: ignore[index]

    def warm_up(self, model: str, device: str) -> Iterator[str]:
        """Load a model before it is needed; yields what comes next. For any thread, like `work`."""
        yield f"loading {model}"
        self._model(model, device)

    def work(self, request: Request) -> Iterator[str]:
        """Do what a request needs of the network; yields what comes next, in a few words.

        May run in any thread, one at a time. Ends at once if nothing is needed.

        Raises
        ------
        FastSAMError
            If the model cannot be loaded or the pixels cannot be segmented.
        """
        controls = request.controls
        seen = self.cache.get(request.key)
        if seen is None:
            yield f"loading {controls.model}"
            model = self._model(controls.model, controls.device)
            yield "reading the image"
            pixels = read_pixels(controls.image, request.plane)
            yield f"finding all objects in {pixels.shape[1]} × {pixels.shape[0]} pixels"
            seen = look(model, pixels, controls.imgsz, request.contrast_limits)
            if controls.task == "everything":
                seen.proposals.instances(controls.thresholds.conf, controls.thresholds.iou)  # decode here, not later
            self.cache.put(request.key, seen)
        while controls.task == "prompts" and len(request.read.prompts):
            _, windows = from_kept(seen, request.read.prompts, controls.thresholds)
            if not windows:
                return
            yield "looking closer at a prompt"
            for _ in look_closer(seen, windows):
                yield "looking closer at a prompt"

    def result(self, request: Request) -> Result | None:
        """Answer a request from what is kept; None if the network has not seen its plane."""
        seen = self.cache.get(request.key)
        if seen is None:
            return None
        start = time.perf_counter()
        answer = self._everything if request.controls.task == "everything" else self._at_prompts
        objects, unanswered, missing = answer(seen, request)
        labels = paint([o.crop for o in objects], request.plane.shape, [o.number for o in objects])
        return Result(request, objects, unanswered, missing, labels, time.perf_counter() - start)

    def step(self, request: Request, direction: int) -> str:
        """Take a larger (+1) or smaller (-1) candidate for the prompt last touched; says what it did."""
        seen = self.cache.get(request.key)
        if seen is None or request.controls.task != "prompts":
            return "larger and smaller choose among the candidates of a prompt: place one first"
        selections, _ = from_kept(seen, request.read.prompts, request.controls.thresholds)
        by_key = {_key(s.prompt, request): s for s in selections if s.found}
        if not by_key:
            return "no prompt has an object yet"
        key = self._last_touched if self._last_touched in by_key else list(by_key)[-1]
        now = self._stepped(by_key[key], key)
        then = now.larger() if direction > 0 else now.smaller()
        if then is now:
            return f"{now.prompt}: there is no {'larger' if direction > 0 else 'smaller'} candidate"
        self._steps[key] = self._steps.get(key, 0) + direction
        return f"{then.prompt}: candidate {then.chosen + 1} of {len(then.candidates)}, {then.crop.area} px"  # type: ignore[union-attr]

    def forget_prompts(self) -> None:
        """Start numbers and alternatives anew, after the prompts were cleared."""
        self._numbers.clear()
        self._steps.clear()
        self._last_touched = None

    def model_hash(self, request: Request) -> str:
        """Return the SHA-256 of the checkpoint that served a request."""
        from napari_fastsam.model.weights import sha256_of

        return sha256_of(self._model(request.controls.model, request.controls.device).path)

    def _model(self, name: str, device: str) -> Model:
        from napari_fastsam.model.segmenter import load_model

        if (name, device) not in self._models:
            self._models[name, device] = load_model(name, device)
        return self._models[name, device]

    def _everything(self, seen: Look, request: Request) -> _Answer:
        wanted = request.controls.thresholds
        instances = seen.proposals.instances(wanted.conf, wanted.iou, wanted.min_area, wanted.max_area)
        pairs = zip(instances.masks, instances.scores, strict=True)
        return tuple(Found(i, crop, float(score)) for i, (crop, score) in enumerate(pairs, start=1)), (), ()

    def _at_prompts(self, seen: Look, request: Request) -> _Answer:
        selections, missing = from_kept(seen, request.read.prompts, request.controls.thresholds)
        keys = [_key(s.prompt, request) for s in selections]
        new = [key for key in keys if key not in self._numbers]
        if new:
            self._last_touched = new[-1]
        self._renumber(keys)
        objects, unanswered = [], list(request.read.left_out)
        for key, selection in zip(keys, selections, strict=True):
            chosen = self._stepped(selection, key)
            if chosen.crop is not None:
                name = named(chosen.prompt, request.read)
                objects.append(Found(self._numbers[key], chosen.crop, chosen.score, name, chosen.reason))
            elif not missing:
                unanswered.append(f"{named(chosen.prompt, request.read)}: {chosen.reason}")
        return tuple(objects), tuple(unanswered), tuple(missing)

    def _renumber(self, keys: list[Hashable]) -> None:
        """Keep the number of each prompt that is still there; new ones take the lowest that is free."""
        self._numbers = {key: number for key, number in self._numbers.items() if key in keys}
        taken = set(self._numbers.values())
        for key in keys:
            if key not in self._numbers:
                number = next(n for n in range(1, len(keys) + len(taken) + 2) if n not in taken)
                self._numbers[key] = number
                taken.add(number)

    def _stepped(self, selection: Selection, key: Hashable) -> Selection:
        steps = self._steps.get(key, 0)
        for _ in range(abs(steps)):
            selection = selection.larger() if steps > 0 else selection.smaller()
        return selection


def named(ref: PromptRef, read: ReadPrompts) -> str:
    """Name a prompt as its layer numbers it, counted from 1."""
    rows = {
        "point": read.point_rows,
        "box": read.box_rows,
        "outline": read.outline_rows,
        "scribble": read.scribble_rows,
    }[ref.kind]
    return str(PromptRef(ref.kind, tuple(rows[i] for i in ref.indices)))


def _key(ref: PromptRef, request: Request) -> Hashable:
    """Return what tells a prompt from others while it is edited: its object number, or where it lies."""
    prompts: Prompts = request.read.prompts
    plane = request.plane.index
    first = ref.indices[0]
    if ref.kind == "point":
        number = int(prompts.point_objects[first])
        return ("object", plane, number) if number else ("point", plane, _rounded(prompts.points[first], request))
    if ref.kind == "box":
        return ("box", plane, _rounded(prompts.boxes[first].reshape(2, 2), request))
    line = (prompts.outlines if ref.kind == "outline" else prompts.scribbles)[first]
    return (ref.kind, plane, _rounded(line, request))


def _rounded(points_yx: NDArray[np.float64], request: Request) -> bytes:
    # in coordinates of the whole image, so that another region does not make it another prompt
    return np.round(request.plane.region_to_data(points_yx), 3).tobytes()
