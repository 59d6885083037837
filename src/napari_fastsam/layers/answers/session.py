"""From requests to results: the network's answers kept, and what stage two makes of them.

The order of things: `Session.request` freezes what the user asked for (main thread), `Session.work` does what takes
long (any thread; touches no layer but to read pixels), `Session.result` answers from what is kept, in milliseconds
(main thread). What has gone stale meanwhile is never shown, because results are only ever made from a fresh request.
How a plane is predicted and asked is said by the predictor of its kind (`layers.answers.predictors`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.core.prompts.examples import exemplars_of
from napari_fastsam.errors import PromptError
from napari_fastsam.layers.answers.cache import PredictionCache
from napari_fastsam.layers.answers.freezing import make_request
from napari_fastsam.layers.answers.kept import Kept
from napari_fastsam.layers.answers.predictors import predictor_of
from napari_fastsam.layers.answers.request import Controls, Request
from napari_fastsam.layers.answers.results import Result, SegmentedObject
from napari_fastsam.layers.contents import content_of
from napari_fastsam.layers.prompts.collecting import Row
from napari_fastsam.layers.prompts.layers import EXAMPLE_FIELDS, Field, ReadPrompts
from napari_fastsam.layers.prompts.places import named, places

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

__all__ = ["Controls", "Request", "Result", "SegmentedObject", "Session"]

NEEDED_SOON = ("skimage.color.colorconv", "scipy.ndimage", "skimage.draw", "skimage.segmentation")
"""What napari makes Labels layers with, and what answers to shapes, clicks and corrections are made with."""


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
        self.kept = Kept(cache_limit)

    @property
    def cache(self) -> PredictionCache:
        """What the network said about planes."""
        return self.kept.cache

    @property
    def network_seconds(self) -> float:
        """What the network took in the last `work`; 0 where everything was kept."""
        return self.kept.network_seconds

    def request(self, controls: Controls, earlier: Request | None = None) -> Request:
        """Freeze what is asked for now; parameters and errors are those of `make_request`."""
        seen = self.kept.generation(*map(content_of, controls.images))
        return make_request(self.viewer, controls, seen, earlier)

    def image_changed(self, image: Image) -> None:
        """Forget what was kept of an image whose data changed, or that is gone."""
        self.kept.forget_image(content_of(image))

    def forget_if_painted_over(self, request: Request) -> None:
        """Forget what was kept of a plane whose pixels were changed in place, or of a model whose file was replaced.

        Nobody tells of either.
        """
        if self.kept.networks.forget_if_replaced(request):
            self.kept.cache.forget(lambda key: True)
            self.kept.runs.forget()
        if predictor_of(request).is_outdated(self.kept, request):
            self.image_changed(request.controls.image)

    def forget(self) -> None:
        """Let go of all that is kept, models too; what is needed again is loaded again."""
        self.kept.cache.forget(lambda key: True)
        self.kept.runs.forget()
        self.kept.networks.forget()

    def is_stale(self, request: Request) -> bool:
        """Return whether the image of a request has other data by now, or is gone. For any thread."""
        return self.kept.is_stale(request)

    def warm_up(self, model: str, device: str) -> Iterator[str]:
        """Load a model before it is needed; yields what comes next. For any thread, like `work`."""
        yield f"loading {model}"
        import_module("pandas")  # which layers of prompts are made with
        self.kept.networks.model(model, device)
        # a prompt that waits for the model does not wait for these: they come while the network looks
        threading.Thread(target=_import_all, args=(NEEDED_SOON,)).start()

    def work(self, request: Request, user_initiated: bool = True) -> Iterator[str]:
        """Do what a request needs of the network; yields what comes next, in a few words.

        May run in any thread. Ends at once if nothing is needed.

        Parameters
        ----------
        request
            What is asked for.
        user_initiated
            Whether the user waits for it: or else a large plane is not searched.

        Raises
        ------
        FastSAMError
            If the model cannot be loaded or the pixels cannot be segmented.
        """
        self.kept.network_seconds = 0.0
        yield from predictor_of(request).work(self.kept, request, user_initiated)

    def takes_minutes(self, request: Request) -> bool:
        """Whether a request asks for all tiles of a large plane, and they were not all seen for what it searches."""
        return predictor_of(request).takes_minutes(self.kept, request)

    def result(self, request: Request) -> Result | None:
        """Answer a request from what is kept; None if the network has not seen its plane."""
        return predictor_of(request).result(self.kept, request)

    def frozen(self, result: Result) -> Result:
        """Return a result as it is now, which nothing changes any more: what a run found goes on growing."""
        return result.frozen()

    def added(self, result: Result, layer: Labels) -> None:
        """Remember that the objects of a frozen result are in a layer: a run that goes on offers the others only."""
        if result.tiles is not None:
            self.kept.runs.added(layer.unique_id, result.tiles.run, result.tiles.offer.as_taken)

    def layer_removed(self, layer: Layer) -> bool:
        """Offer once more what was added to a layer that is gone; returns whether there is any."""
        return self.kept.runs.layer_removed(layer.unique_id)

    def step(self, request: Request, direction: int) -> str:
        """Take a larger (+1) or smaller (-1) candidate for the prompt last touched; says what it did."""
        drawn = predictor_of(request).drawn(self.kept, request)
        if request.stack is not None and request.controls.task == "prompts":
            here = request.on_plane_shown
            return "No prompt on this plane has an object yet." if here is None else self.step(here, direction)
        if drawn is None or request.controls.task != "prompts":
            return "Larger and smaller choose among the candidates of a prompt: place one first."
        self.result(request)  # says which prompt was touched last
        plane, numbering = request.numbered_under, self.kept.numbering
        by_key = {p.key: s for p, s in zip(request.identities, drawn.started, strict=True) if s.found}
        if not by_key:
            return "No prompt has an object yet."
        touched = numbering.touched(plane)
        key = touched if touched in by_key else list(by_key)[-1]
        now = by_key[key]
        then = now.larger() if direction > 0 else now.smaller()
        name = named(now.query, request.read)
        if then is now or then.crop is None:
            return f"{name}: there is no {'larger' if direction > 0 else 'smaller'} candidate."
        # counted from the best, which it was stepped from: there may have been more candidates to step over before
        numbering.set_steps(plane, key, then.place - replace(then, chosen=0).place)
        return f"{name}: candidate {then.place + 1} of {len(then.candidates)}, {then.crop.area} px."

    def answered_rows(self, result: Result) -> tuple[set[int], set[int]]:
        """Return the rows in the Points and in the Shapes layer of the prompts that a result has dealt with.

        Prompts by where they lie: rows may have been added and removed since.
        """
        points, shapes = set[int](), set[int]()
        for single in result.request.by_plane:
            if result.request.stack is not None and not result.complete:
                drawn = predictor_of(single).drawn(self.kept, single)
                if drawn is None or not drawn.final:
                    continue
            then = {p for by_row in places(single.read, single.plane).values() for p in by_row.values()}
            read = single.controls.read_prompts(self.viewer, single.plane)
            by_field = {
                field: {row for row, place in by_row.items() if place in then - result.pending}
                for field, by_row in places(read, single.plane).items()
                if not (result.missing_embeddings and field in EXAMPLE_FIELDS)  # what they ask for was not found yet
            }
            own = _by_layer(read, by_field)
            points, shapes = points | own[0], shapes | own[1]
        return points, shapes

    def rows_on_plane(self, request: Request) -> tuple[set[int], set[int]]:
        """Return the rows in the Points and in the Shapes layer of all prompts of a request."""
        return _by_layer(request.read, request.read.rows)

    def exemplars(self, request: Request) -> tuple[Exemplars | None, tuple[str, ...]]:
        """Return the examples of a request, and sentences about those that lie on no object.

        None without any example, or while the network has not seen the plane on which some are marked.
        """
        prompts = request.read.prompts
        if not prompts.has_examples:
            return None, ()
        marked = (prompts.examples, prompts.example_boxes, prompts.counter_examples, prompts.counter_example_boxes)
        seen = self.cache.get(request.key) is not None
        objects = predictor_of(request).marked(self.kept, request) if seen else None
        if objects is None:
            if not any(map(len, marked)):
                return prompts.exemplars, ()
            if not seen:
                return None, ()
            raise PromptError(
                "the objects of this large plane, which examples lie on, are not known yet; Run (Shift-R), or choose "
                "where: in view"
            )
        found, unanswered = exemplars_of(objects, prompts)
        return (found if len(found.examples) else None), tuple(unanswered)

    def forget_prompts(self, request: Request) -> None:
        """Start numbers and alternatives anew where a request has prompts, after these were cleared."""
        for single in request.by_plane:
            self.kept.numbering.forget(single.numbered_under)

    def model_hash(self, request: Request) -> str:
        """Return the SHA-256 of the checkpoint that served a request."""
        return self.kept.networks.hash_for(request)


def _by_layer(read: ReadPrompts, rows: Mapping[Field, Iterable[Row]]) -> tuple[set[int], set[int]]:
    """Return the rows of the Points and of the Shapes layer."""
    found = read.rows_by_source(rows)
    return found.get("points", set()), found.get("shapes", set())


def _import_all(libraries: Iterable[str]) -> None:
    for library in libraries:
        import_module(library)
