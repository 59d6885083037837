"""From requests to results: the network's answers kept, and what stage two makes of them.

The order of things: `Session.request` freezes what the person asked for (main thread), `Session.work` does what takes
long (any thread; touches no layer but to read pixels), `Session.result` answers from what is kept, in milliseconds
(main thread). What has gone stale meanwhile is never shown, because results are only ever made from a fresh request.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.instances import Crop
from napari_fastsam.core.intensity import to_rgb8
from napari_fastsam.core.painting import paint
from napari_fastsam.core.prompts import PromptRef
from napari_fastsam.core.selection import Selection
from napari_fastsam.errors import ImageError
from napari_fastsam.layers.cache import LookCache
from napari_fastsam.layers.numbering import Named, Numbering
from napari_fastsam.layers.prompt_layers import read_prompts
from napari_fastsam.layers.prompt_places import named, places, rows_of
from napari_fastsam.layers.read import read_pixels
from napari_fastsam.layers.request import Controls, Request, make_request
from napari_fastsam.model.answer import Look, Window, from_kept, look, look_closer

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_fastsam.model.segmenter import Model

__all__ = ["Controls", "Found", "Request", "Result", "Session"]


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
    pending
        Places of the prompts that wait for these crops.
    labels
        (Y, X) int32 label image of the region.
    seconds
        How long stage two took.
    """

    request: Request
    objects: tuple[Found, ...]
    unanswered: tuple[str, ...]
    missing: tuple[Window, ...]
    pending: frozenset[Hashable]
    labels: NDArray[np.int32]
    seconds: float

    @property
    def scores(self) -> dict[int, float]:
        """Score by number in the label image."""
        return {found.number: found.score for found in self.objects}


@dataclass
class _Answer:
    """What a result is made of, before it is painted."""

    objects: list[Found]
    unanswered: list[str]
    missing: list[Window]
    pending: frozenset[Hashable] = frozenset()


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
        self.network_seconds = 0.0
        """What the network took in the last `work`; 0 where everything was kept."""
        self._models: dict[tuple[str, str], Model] = {}
        self._generations: dict[Hashable, int] = {}
        self._numbering = Numbering()
        self._lock = threading.Lock()

    def request(self, controls: Controls, earlier: Request | None = None) -> Request:
        """Freeze what is asked for now; parameters and errors are those of `make_request`."""
        return make_request(self.viewer, controls, self._generations.get(controls.image.unique_id, 0), earlier)

    def image_changed(self, image: Image) -> None:
        """Forget what was kept of an image whose data changed, or that is gone."""
        self._generations[image.unique_id] = self._generations.get(image.unique_id, 0) + 1
        self.cache.forget(lambda key: key[0] == image.unique_id)  # type: ignore[index]

    def forget_if_painted_over(self, request: Request) -> None:
        """Forget what was kept of a plane whose pixels were changed in place, of which napari says nothing."""
        seen, image = self.cache.get(request.key), request.controls.image
        if seen is None or not isinstance(image.data, np.ndarray):
            return  # what dask or zarr would have to read again is not worth the check
        try:
            now = to_rgb8(read_pixels(image, request.plane), request.contrast_limits)
        except ImageError:
            now = None  # whoever looks at it next says why
        if now is None or not np.array_equal(now, seen.rgb):
            self.image_changed(image)

    def is_stale(self, request: Request) -> bool:
        """Return whether the image of a request has other data by now, or is gone. For any thread."""
        image = request.controls.image
        return request.generation != self._generations.get(image.unique_id, 0)

    def warm_up(self, model: str, device: str) -> Iterator[str]:
        """Load a model before it is needed; yields what comes next. For any thread, like `work`."""
        yield f"loading {model}"
        self._model(model, device)

    def work(self, request: Request) -> Iterator[str]:
        """Do what a request needs of the network; yields what comes next, in a few words.

        May run in any thread. Ends at once if nothing is needed.

        Raises
        ------
        FastSAMError
            If the model cannot be loaded or the pixels cannot be segmented.
        """
        self.network_seconds = 0.0
        controls = request.controls
        seen = self.cache.get(request.key)
        if seen is None:
            yield f"loading {controls.model}"
            model = self._model(controls.model, controls.device)
            height, width = request.plane.shape
            yield f"finding all objects in {width} × {height} pixels"
            seen = self._look(model, request)
        while controls.task == "prompts" and len(request.read.prompts):
            _, windows = from_kept(seen, request.read.prompts, controls.thresholds)
            if not windows:
                return
            for window in windows:
                yield "looking closer at a prompt"
                start = time.perf_counter()
                for _ in look_closer(seen, [window]):
                    pass
                self.network_seconds += time.perf_counter() - start

    def result(self, request: Request) -> Result | None:
        """Answer a request from what is kept; None if the network has not seen its plane."""
        seen = self.cache.get(request.key)
        if seen is None:
            return None
        start = time.perf_counter()
        everything = request.controls.task == "everything"
        answer = self._everything(seen, request) if everything else self._at_prompts(seen, request)
        objects = answer.objects
        labels = paint(
            [o.crop for o in objects],
            request.plane.shape,
            [o.number for o in objects],
            scores=[o.score for o in objects],
        )
        seconds = time.perf_counter() - start
        return Result(
            request,
            tuple(objects),
            tuple(answer.unanswered),
            tuple(answer.missing),
            answer.pending,
            labels,
            seconds,
        )

    def step(self, request: Request, direction: int) -> str:
        """Take a larger (+1) or smaller (-1) candidate for the prompt last touched; says what it did."""
        seen = self.cache.get(request.key)
        if seen is None or request.controls.task != "prompts":
            return "Larger and smaller choose among the candidates of a prompt: place one first."
        selections, _ = from_kept(seen, request.read.prompts, request.controls.thresholds)
        prompts = _identified(selections, request)
        plane = request.plane.index
        self._numbering.update(plane, prompts)
        by_key = {p.key: s for p, s in zip(prompts, selections, strict=True) if s.found}
        if not by_key:
            return "No prompt has an object yet."
        touched = self._numbering.touched(plane)
        key = touched if touched in by_key else list(by_key)[-1]
        now = self._stepped(by_key[key], plane, key)
        then = now.larger() if direction > 0 else now.smaller()
        name = named(now.prompt, request.read)
        if then is now or then.crop is None:
            return f"{name}: there is no {'larger' if direction > 0 else 'smaller'} candidate."
        self._numbering.set_steps(plane, key, self._numbering.steps(plane, key) + direction)
        return f"{name}: candidate {then.chosen + 1} of {len(then.candidates)}, {then.crop.area} px."

    def answered_rows(self, result: Result) -> tuple[set[int], set[int]]:
        """Return the rows in the Points and in the Shapes layer of the prompts that a result has dealt with.

        Found by where they lie: rows may have been added and removed since.
        """
        request, controls = result.request, result.request.controls
        then = {p for by_row in places(request.read, request.plane).values() for p in by_row.values()}
        read = read_prompts(self.viewer, controls.image, request.plane, controls.points, controls.shapes)
        points: set[int] = set()
        shapes: set[int] = set()
        for kind, by_row in places(read, request.plane).items():
            rows = {row for row, place in by_row.items() if place in then - result.pending}
            (points if kind == "point" else shapes).update(rows)
        return points, shapes

    def rows_on_plane(self, request: Request) -> tuple[set[int], set[int]]:
        """Return the rows in the Points and in the Shapes layer of all prompts of a request."""
        rows = rows_of(request.read)
        return set(rows["point"]), {*rows["box"], *rows["outline"], *rows["scribble"]}

    def forget_prompts(self, request: Request) -> None:
        """Start numbers and alternatives anew on a plane, after its prompts were cleared."""
        self._numbering.forget(request.plane.index)

    def model_hash(self, request: Request) -> str:
        """Return the SHA-256 of the checkpoint that served a request."""
        from napari_fastsam.model.weights import sha256_of

        return sha256_of(self._model(request.controls.model, request.controls.device).path)

    def _model(self, name: str, device: str) -> Model:
        from napari_fastsam.model.segmenter import load_model
        from napari_fastsam.model.torch_ import import_torch_beside_a_viewer

        import_torch_beside_a_viewer()
        with self._lock:  # whoever comes while it is being loaded waits for it, and does not load it again
            if (name, device) not in self._models:
                self._models[name, device] = load_model(name, device)
            return self._models[name, device]

    def _look(self, model: Model, request: Request) -> Look:
        """Have the network look at a plane, unless another thread had it do so meanwhile."""
        controls = request.controls
        with self._lock:
            seen = self.cache.get(request.key)
            if seen is None:
                pixels = read_pixels(controls.image, request.plane)
                _require_numbers(pixels, controls.image)
                start = time.perf_counter()
                seen = look(model, pixels, controls.imgsz, request.contrast_limits)
                self.network_seconds += time.perf_counter() - start
                # what every answer needs, computed here and not on the main thread
                seen.proposals.instances(controls.thresholds.conf, controls.thresholds.iou)
                if not self.is_stale(request):  # nobody would ask for it again
                    self.cache.put(request.key, seen)
            return seen

    def _everything(self, seen: Look, request: Request) -> _Answer:
        wanted = request.controls.thresholds
        instances = seen.proposals.instances(wanted.conf, wanted.iou, wanted.min_area, wanted.max_area)
        pairs = zip(instances.masks, instances.scores, strict=True)
        return _Answer([Found(i, crop, float(score)) for i, (crop, score) in enumerate(pairs, start=1)], [], [])

    def _at_prompts(self, seen: Look, request: Request) -> _Answer:
        selections, missing = from_kept(seen, request.read.prompts, request.controls.thresholds)
        prompts, plane = _identified(selections, request), request.plane.index
        numbers = self._numbering.update(plane, prompts)
        answer = _Answer([], list(request.read.left_out), missing)
        waiting: list[PromptRef] = []
        found: dict[Hashable, str] = {}
        for prompt, number, selection in zip(prompts, numbers, selections, strict=True):
            chosen = self._stepped(selection, plane, prompt.key)
            name = named(chosen.prompt, request.read)
            if chosen.crop is not None:
                twin = found.setdefault(_identity(chosen.crop), name)
                if twin is not name:
                    answer.unanswered.append(f"{name.capitalize()} is on the same object as {twin}.")
                    continue
                answer.objects.append(Found(number, chosen.crop, chosen.score, name, chosen.reason))
            elif missing:
                waiting.append(chosen.prompt)
            else:
                answer.unanswered.append(f"{name.capitalize()}: {chosen.reason}")
        by_row = places(request.read, request.plane)
        rows = rows_of(request.read)
        answer.pending = frozenset(by_row[ref.kind][rows[ref.kind][i]] for ref in waiting for i in ref.indices)
        return answer

    def _stepped(self, selection: Selection, plane: Hashable, key: Hashable) -> Selection:
        steps = self._numbering.steps(plane, key)
        for _ in range(abs(steps)):
            selection = selection.larger() if steps > 0 else selection.smaller()
        return selection


def _require_numbers(pixels: NDArray[Any], image: Image) -> None:
    # with contrast limits given they would be black, and "nothing found" would send a person to the wrong slider
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).any():
        raise ImageError(
            f'Image "{image.name}" holds no finite value here (all NaN or infinite): choose another plane or image.'
        )


def _identity(crop: Crop) -> Hashable:
    return crop.top, crop.left, crop.pixels.shape, np.packbits(crop.pixels).tobytes()


def _identified(selections: list[Selection], request: Request) -> list[Named]:
    """Return what tells each selection's prompt from others: its object number, or where it lies."""
    by_row, rows = places(request.read, request.plane), rows_of(request.read)
    found = []
    for ref in (selection.prompt for selection in selections):
        own = [rows[ref.kind][i] for i in ref.indices]
        parts = tuple(by_row[ref.kind][row] for row in own)
        number = int(request.read.prompts.point_objects[ref.indices[0]]) if ref.kind == "point" else 0
        found.append(Named(("object", number) if number else parts[0], (ref.kind, own[0]), parts))
    return found
