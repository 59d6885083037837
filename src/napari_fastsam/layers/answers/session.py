"""From requests to results: the network's answers kept, and what stage two makes of them.

The order of things: `Session.request` freezes what the person asked for (main thread), `Session.work` does what takes
long (any thread; touches no layer but to read pixels), `Session.result` answers from what is kept, in milliseconds
(main thread). What has gone stale meanwhile is never shown, because results are only ever made from a fresh request.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Hashable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.intensity import to_rgb8
from napari_fastsam.core.likeness.exemplars import Exemplars, exemplars_of
from napari_fastsam.core.objects.embeddings import describe, undescribed
from napari_fastsam.errors import ImageError, PromptError
from napari_fastsam.layers.answers.cache import LookCache
from napari_fastsam.layers.answers.long_runs import LongRuns
from napari_fastsam.layers.answers.request import Controls, Planes, Request, make_request
from napari_fastsam.layers.answers.results import Found, Result, identified, make_result, stepped, tiled_result
from napari_fastsam.layers.answers.stack_results import followed_result, linked_result
from napari_fastsam.layers.answers.steps import Step
from napari_fastsam.layers.planes.read import PlanePixels, read_pixels
from napari_fastsam.layers.prompts.layers import EXAMPLE_FIELDS, POINT_FIELDS, SHAPE_FIELDS, Field
from napari_fastsam.layers.prompts.numbering import Numbering
from napari_fastsam.layers.prompts.places import named, places
from napari_fastsam.model.asking.answer import Look, look, ways_of
from napari_fastsam.model.asking.large import LargeLook, first_place, from_kept, large_look, let_go, look_closer
from napari_fastsam.model.asking.plane_scale import sampled_window, suited_imgsz
from napari_fastsam.model.asking.stack import outward
from napari_fastsam.model.asking.tiled import read_tile

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

    from napari_fastsam.core.likeness.text import TextEncoder
    from napari_fastsam.core.objects.instances import Instances
    from napari_fastsam.core.prompts.selection import Selection
    from napari_fastsam.model.asking.tiled import TiledRun
    from napari_fastsam.model.network.segmenter import Model

CLOSER_SHARE = 4
"""The closer looks of one plane may take the cache's limit divided by this."""

__all__ = ["Controls", "Found", "Request", "Result", "Session"]


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
        self._encoders: dict[tuple[str, str], TextEncoder] = {}
        self._known_texts: set[tuple[Hashable, str]] = set()
        self._generations: dict[Hashable, int] = {}
        self._runs = LongRuns()
        self._numbering = Numbering()
        self._lock = threading.Lock()
        self._describing = threading.Lock()

    def request(self, controls: Controls, earlier: Request | None = None) -> Request:
        """Freeze what is asked for now; parameters and errors are those of `make_request`."""
        return make_request(self.viewer, controls, self._generations.get(controls.image.unique_id, 0), earlier)

    def image_changed(self, image: Image) -> None:
        """Forget what was kept of an image whose data changed, or that is gone."""
        self._generations[image.unique_id] = self._generations.get(image.unique_id, 0) + 1
        self.cache.forget(lambda key: key[0] == image.unique_id)  # type: ignore[index]
        self._runs.forget(image.unique_id)

    def forget_if_painted_over(self, request: Request) -> None:
        """Forget what was kept of a plane whose pixels were changed in place, of which napari says nothing."""
        seen, image = self.cache.get(request.key), request.controls.image
        answered = not request.searches_tiles or (seen is not None and self._among(seen, request) is not None)
        if answered and self._runs.may_be_outdated(request):
            self.image_changed(image)
        if seen is None or not isinstance(image.data, np.ndarray):
            return  # what dask or zarr would have to read again is not worth the check
        try:
            if isinstance(seen, LargeLook):
                pixels = PlanePixels(image, request.plane)
                kept = tuple(seen.tiles.items())
                now = [seen.model.rgb8(read_tile(pixels, *place), seen.contrast_limits) for place, _ in kept]
                then = [look.rgb for _, look in kept]
            else:
                now, then = [to_rgb8(read_pixels(image, request.plane), request.contrast_limits)], [seen.rgb]
        except ImageError:
            now, then = [], [np.zeros(0, np.uint8)]  # whoever looks at it next says why
        if len(now) != len(then) or not all(np.array_equal(a, b) for a, b in zip(now, then, strict=True)):
            self.image_changed(image)

    def forget(self) -> None:
        """Let go of all that is kept, models too; what is needed again is loaded again."""
        self.cache.forget(lambda key: True)
        self._runs.forget()
        with self._lock:
            self._models.clear()
            self._encoders.clear()

    def is_stale(self, request: Request) -> bool:
        """Return whether the image of a request has other data by now, or is gone. For any thread."""
        image = request.controls.image
        return request.generation != self._generations.get(image.unique_id, 0)

    def warm_up(self, model: str, device: str) -> Iterator[str]:
        """Load a model before it is needed; yields what comes next. For any thread, like `work`."""
        yield f"loading {model}"
        for library in ("pandas", "scipy.ndimage", "skimage.draw"):  # that prompts will need
            import_module(library)
        self._model(model, device)

    def work(self, request: Request, by_hand: bool = True) -> Iterator[str]:
        """Do what a request needs of the network; yields what comes next, in a few words.

        May run in any thread. Ends at once if nothing is needed.

        Parameters
        ----------
        request
            What is asked for.
        by_hand
            Whether a person waits for it: or else a large plane is not searched.

        Raises
        ------
        FastSAMError
            If the model cannot be loaded or the pixels cannot be segmented.
        """
        self.network_seconds = 0.0
        controls = request.controls
        if request.over_tiles:
            yield from self._over_tiles(request)
            return
        if request.stack is not None:
            yield from self._over_planes(request, request.stack)
            return
        seen = self.cache.get(request.key)
        if seen is None:
            yield f"loading {controls.model}"
            model = self._model(controls.model, controls.device)
            height, width = request.plane.shape
            yield f"finding {'' if request.large else 'all '}objects in {width} × {height} pixels"
            seen = self._look(model, request)
        if controls.task == "prompts" and request.read.prompts.searches and isinstance(seen, Look):
            yield from self._describe(seen, request)
        yield from self._at_prompts(seen, request)
        if request.searches_tiles and (by_hand or not self.takes_minutes(request)):
            yield from self._search_tiles(request)

    def _at_prompts(self, seen: Look | LargeLook, request: Request) -> Iterator[str]:
        """Look closer, or at more tiles, where prompts need it; yields what comes next."""
        controls = request.controls
        while controls.task == "prompts" and len(request.read.prompts):
            _, windows = from_kept(seen, request.read.prompts, controls.thresholds)
            if not windows:
                return
            for window in windows:
                yield "looking at a prompt" if request.large else "looking closer at a prompt"
                start = time.perf_counter()
                for _ in look_closer(seen, [window]):
                    pass
                self.network_seconds += time.perf_counter() - start
            let_go(seen, request.read.prompts, self.cache.limit // CLOSER_SHARE)
            self.cache.trim()

    def takes_minutes(self, request: Request) -> bool:
        """Whether a request asks for all tiles of a large plane, and they were not all seen for what it searches."""
        if not request.searches_tiles:
            return request.over_tiles
        run = self._runs.search(request)
        return run is None or not run.complete

    def result(self, request: Request) -> Result | None:
        """Answer a request from what is kept; None if the network has not seen its plane."""
        if request.over_tiles:
            run = self._runs.over_tiles(request)
            return None if run is None else tiled_result(run, request)
        if request.stack is not None:
            return self._stack_result(request, request.stack)[0]
        seen = self.cache.get(request.key)
        if seen is None:
            return None
        encoder = self._encoders.get((request.controls.text_encoder, request.controls.device))
        return make_result(seen, request, self._numbering, encoder, self._among(seen, request))

    def frozen(self, result: Result) -> Result:
        """Return a result as it is now, which nothing changes any more: what a run found goes on growing."""
        return result if result.tiles is None else tiled_result(result.tiles.run, result.request, frozen=True)

    def added(self, result: Result, layer: Labels) -> None:
        """Remember that the objects of a frozen result are in a layer: a run that goes on offers the others only."""
        if result.tiles is not None:
            self._runs.added(layer.unique_id, result.tiles.run, result.tiles.drawn.scores)

    def layer_removed(self, layer: Layer) -> bool:
        """Offer once more what was added to a layer that is gone; returns whether there is any."""
        return self._runs.layer_removed(layer.unique_id)

    def step(self, request: Request, direction: int) -> str:
        """Take a larger (+1) or smaller (-1) candidate for the prompt last touched; says what it did."""
        if request.stack is not None and request.controls.task == "prompts":
            here = request.stack.at.get(request.stack.here)
            return "No prompt on this plane has an object yet." if here is None else self.step(here, direction)
        seen = self.cache.get(request.key)
        if seen is None or request.controls.task != "prompts":
            return "Larger and smaller choose among the candidates of a prompt: place one first."
        self.result(request)  # says which prompt was touched last
        selections, _ = from_kept(seen, request.read.prompts, request.controls.thresholds)
        prompts = identified(selections, request)
        plane = request.plane.index
        by_key = {p.key: s for p, s in zip(prompts, selections, strict=True) if s.found}
        if not by_key:
            return "No prompt has an object yet."
        touched = self._numbering.touched(plane)
        key = touched if touched in by_key else list(by_key)[-1]
        now = stepped(by_key[key], self._numbering.steps(plane, key))
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
        request = result.request
        if request.stack is not None:
            return self._rows_of_stack(request.stack, result.complete)
        then = {p for by_row in places(request.read, request.plane).values() for p in by_row.values()}
        read = request.controls.read_prompts(self.viewer, request.plane)
        by_field = {
            field: {row for row, place in by_row.items() if place in then - result.pending}
            for field, by_row in places(read, request.plane).items()
            if not (result.undescribed and field in EXAMPLE_FIELDS)  # what they ask for was not found yet
        }
        return _by_layer(by_field)

    def _rows_of_stack(self, stack: Planes, complete: bool) -> tuple[set[int], set[int]]:
        """Return the rows of the prompts on all planes of a stack; before it is complete, of those answered."""
        points, shapes = set[int](), set[int]()
        for single in stack.at.values():
            drawn = self._drawn(single)
            if not complete and (drawn is None or not drawn[1]):
                continue
            own = self.rows_on_plane(single)
            points, shapes = points | own[0], shapes | own[1]
        return points, shapes

    def rows_on_plane(self, request: Request) -> tuple[set[int], set[int]]:
        """Return the rows in the Points and in the Shapes layer of all prompts of a request."""
        return _by_layer({field: set(rows) for field, rows in request.read.rows.items()})

    def exemplars(self, request: Request) -> tuple[Exemplars | None, tuple[str, ...]]:
        """Return the examples of a request, and sentences about those that lie on no object.

        None without any example, or while the network has not seen the plane.
        """
        seen, prompts = self.cache.get(request.key), request.read.prompts
        if seen is None or not prompts.has_examples:
            return None, ()
        among = seen.instances(request.controls.thresholds) if isinstance(seen, Look) else self._among(seen, request)
        if among is None:
            if not len(prompts.examples) and not len(prompts.example_boxes):
                return prompts.exemplars, ()
            raise PromptError(
                "the objects of this large plane, which examples lie on, are not known yet; Run (Shift-R), or choose "
                "where: in view"
            )
        found, unanswered = exemplars_of(among, prompts)
        return (found if len(found.examples) else None), tuple(unanswered)

    def forget_prompts(self, request: Request) -> None:
        """Start numbers and alternatives anew on a plane, after its prompts were cleared."""
        self._numbering.forget(request.plane.index)

    def model_hash(self, request: Request) -> str:
        """Return the SHA-256 of the checkpoint that served a request."""
        from napari_fastsam.model.weights.weights import sha256_of

        return sha256_of(self._model(request.controls.model, request.controls.device).path)

    def _model(self, name: str, device: str) -> Model:
        from napari_fastsam.model.network.segmenter import load_model
        from napari_fastsam.model.network.torch_ import import_torch_beside_a_viewer

        import_torch_beside_a_viewer()
        with self._lock:  # whoever comes while it is being loaded waits for it, and does not load it again
            if (name, device) not in self._models:
                self._models[name, device] = load_model(name, device)
            return self._models[name, device]

    def _look(self, model: Model, request: Request) -> Look | LargeLook:
        """Have the network look at a plane, unless another thread had it do so meanwhile."""
        with self._lock:
            seen = self.cache.get(request.key)
            if seen is None:
                start = time.perf_counter()
                seen = self._large(model, request) if request.large else self._whole(model, request)
                self.network_seconds += time.perf_counter() - start
                if not self.is_stale(request):  # nobody would ask for it again
                    self.cache.put(request.key, seen)
            return seen

    def _whole(self, model: Model, request: Request) -> Look:
        """Look at all of a plane in one pass."""
        controls = request.controls
        pixels = read_pixels(controls.image, request.plane)
        _require_numbers(pixels, controls.image)
        imgsz = controls.imgsz or suited_imgsz(model, pixels, controls.tiling, request.contrast_limits)
        seen = look(model, pixels, imgsz, request.contrast_limits)
        # what every answer needs, computed here and not on the main thread
        seen.proposals.instances(controls.thresholds.conf, controls.thresholds.iou)
        return seen

    def _large(self, model: Model, request: Request) -> LargeLook:
        """Prepare to look at the tiles of a plane that prompts need, with the objects measured at the first prompt."""
        pixels = PlanePixels(request.controls.image, request.plane)
        limits = request.contrast_limits or sampled_window(model, pixels)
        around = first_place(request.read.prompts) or request.looking_at
        return large_look(model, pixels, request.controls.tiling, limits, around)

    def _over_tiles(self, request: Request) -> Iterator[str]:
        """Find everything on a large plane, tile by tile; yields what comes next. What was begun goes on."""
        controls, run = request.controls, self._runs.over_tiles(request)
        if run is None:
            yield f"loading {controls.model}"
            model = self._model(controls.model, controls.device)
            yield "measuring objects"
            run = self._runs.begin_tiles(model, request)
        yield from self._through(run)

    def _through(self, run: TiledRun) -> Iterator[str]:
        """Look at the tiles that are left; yields what comes next."""
        start = time.perf_counter()
        for progress in run:
            self.network_seconds = time.perf_counter() - start
            said = f"tile {progress.done} of {progress.total}, {progress.objects} objects so far"
            yield Step(said, progress.done, progress.total)

    def _over_planes(self, request: Request, stack: Planes) -> Iterator[str]:
        """Look at planes of a stack, the nearest first: all of them, or those that an object is followed through."""
        controls, run = request.controls, self._runs.over_planes(request)
        if run is None:
            yield f"loading {controls.model}"
            model = self._model(controls.model, controls.device)
            yield "choosing the scale of the stack"
            run = self._runs.begin_planes(model, request, stack)
        for single in stack.at.values():
            yield from self.work(single)
        start = time.perf_counter()
        for position in outward(stack.count, stack.here) if controls.task == "everything" else ():
            if position not in run.kept:
                seen = len(run.kept)
                yield Step(f"plane {position + 1}, {seen} of {stack.count} seen", seen, stack.count)
                run.look(position)
                self.network_seconds = time.perf_counter() - start
        while True:
            # what is imported and measured once, is so here and not on the main thread
            _, needed = self._stack_result(request, stack)
            if not needed:
                return
            for position in sorted(needed):
                yield f"following, plane {position + 1}"
                run.look(position)
            self.network_seconds = time.perf_counter() - start

    def _stack_result(self, request: Request, stack: Planes) -> tuple[Result | None, set[int]]:
        """Answer for a stack from what is kept; also the planes that are missing to follow objects."""
        run = self._runs.over_planes(request)
        if run is None:
            return None, set()
        if request.controls.task == "everything":
            return linked_result(run, request, stack, self._runs.overlaps(run, request)), set()
        return followed_result(run, request, stack, self._drawn, self._numbering)

    def _drawn(self, request: Request) -> tuple[list[Selection], bool] | None:
        """Answer what was drawn on one plane, and say whether that is the last word."""
        seen = self.cache.get(request.key)
        if seen is None:
            return None
        selections, missing = from_kept(seen, request.read.prompts, request.controls.thresholds)
        return selections, not missing

    def _describe(self, seen: Look, request: Request) -> Iterator[str]:
        """Have the objects described that a search by words or examples compares; yields what comes next."""
        encoder = yield from self._encoder_for(request)
        instances = seen.instances(request.controls.thresholds)
        for kind, make in ways_of(request.read.prompts, encoder, instances):
            if undescribed(instances, kind):
                yield f"describing {len(undescribed(instances, kind))} objects"
            with self._describing:
                start = time.perf_counter()
                for done, total in describe(instances, kind, make):
                    yield Step(f"described {done} of {total} objects", done, total)
                self.network_seconds += time.perf_counter() - start

    def _encoder_for(self, request: Request) -> Generator[str, None, TextEncoder | None]:
        """Return what compares the words of a request, which it knows then; None without words."""
        controls, texts = request.controls, request.read.prompts.texts
        if not texts:
            return None
        yield f"loading {controls.text_encoder}"
        encoder = self._encoder(controls.text_encoder, controls.device)
        encoder.encode_texts(texts)
        self._known_texts.update((encoder.key, text) for text in texts)
        return encoder

    def _among(self, seen: Look | LargeLook, request: Request) -> Instances | None:
        """Return the objects that a search compares; None if there is none, or not all that it compares is kept."""
        controls, prompts = request.controls, request.read.prompts
        if not prompts.searches:
            return None
        encoder = self._encoders.get((controls.text_encoder, controls.device))
        if prompts.texts and (encoder is None or any((encoder.key, t) not in self._known_texts for t in prompts.texts)):
            return None
        if isinstance(seen, LargeLook):
            run = self._runs.search(request)
            return run.everything if run is not None and run.complete else None
        instances = seen.instances(controls.thresholds)
        kinds = ways_of(prompts, encoder, instances)
        return None if any(undescribed(instances, kind) for kind, _ in kinds) else instances

    def _search_tiles(self, request: Request) -> Iterator[str]:
        """Describe all objects of a large plane, tile by tile; yields what comes next. What was begun goes on."""
        controls = request.controls
        encoder = yield from self._encoder_for(request)
        run = self._runs.search(request)
        if run is None:
            yield "measuring objects"
            run = self._runs.begin_search(self._model(controls.model, controls.device), request, encoder)
        yield from self._through(run)
        yield f"comparing {len(run.everything)} objects"  # gathered here, and not on the main thread

    def _encoder(self, name: str, device: str) -> TextEncoder:
        from napari_fastsam.model.network.torch_ import import_torch_beside_a_viewer
        from napari_fastsam.model.text.encoder import load_text_encoder

        import_torch_beside_a_viewer()
        with self._lock:
            if (name, device) not in self._encoders:
                self._encoders[name, device] = load_text_encoder(name, device)
            return self._encoders[name, device]


def _by_layer(rows: Mapping[Field, set[int]]) -> tuple[set[int], set[int]]:
    """Return the rows of the Points and of the Shapes layer."""
    points, shapes = (
        set().union(*(rows.get(field, ()) for field in fields)) for fields in (POINT_FIELDS, SHAPE_FIELDS)
    )
    return points, shapes


def _require_numbers(pixels: NDArray[Any], image: Image) -> None:
    # with contrast limits given they would be black, and "nothing found" would send a person to the wrong slider
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).any():
        raise ImageError(
            f'Image "{image.name}" holds no finite value here (all NaN or infinite): choose another plane or image.'
        )
