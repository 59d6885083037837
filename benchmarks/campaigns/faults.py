"""The disk is full, nothing may be written, the network is cut, memory is short, torch is gone: at any step.

Each operation is done once and its steps are counted: files opened for writing, renamed, removed, folders made, bytes
sent, layers of the network passed. Then it is done again, and one of these steps fails. What was there before has to be
there still, or the new thing whole; the error is one of this program's and says what to do; nothing half is left under
any name that is read; and to do it once more works.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import shutil
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch

import napari_fastsam as fs
from campaigns.campaign import Campaign
from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.core.recipe import Parameters, Recipe
from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.io.exemplars import save_exemplars
from napari_fastsam.io.formats import registry
from napari_fastsam.io.projects.annotations import AnnotationFolder
from napari_fastsam.io.projects.state import ImageState
from napari_fastsam.io.projects.steps import Annotation, AnnotationStep, LabelTile
from napari_fastsam.io.prompts import load_prompts, save_prompts
from napari_fastsam.io.recipes import load_recipe, save_recipe
from napari_fastsam.io.results.folders import mend
from napari_fastsam.model.weights import fetch as fetching
from napari_fastsam.model.weights.fetch import fetch

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

SHAPE = (40, 50)


# ---------------------------------------------------------------- steps that fail


class Steps:
    """Counts what is done to files below a folder, and lets one step fail."""

    CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate")

    def __init__(self) -> None:
        self.folder, self.count, self.failing, self.error = "", 0, -1, OSError()
        self._installed = False

    @contextmanager
    def below(
        self, folder: Path, failing: int = -1, error: OSError | None = None, lasts: bool = False
    ) -> Iterator[None]:
        """Count steps, and let one fail; `lasts`: all that would take room or change something from then on."""
        if not self._installed:
            sys.addaudithook(self._hear)
            self._installed = True
        self.folder, self.count, self.failing = str(folder), 0, failing
        self.error, self.lasts = error or OSError(), lasts
        try:
            yield
        finally:
            self.folder = ""

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.folder or not self._is_change(event, args):
            return
        step, self.count = self.count, self.count + 1
        removes = event in ("os.remove", "os.rmdir")  # a full disk takes nothing away
        if step == self.failing or (self.lasts and 0 <= self.failing < step and not removes):
            raise type(self.error)(self.error.errno, os.strerror(self.error.errno or 0), str(args[0]))

    def _is_change(self, event: str, args: tuple[Any, ...]) -> bool:
        if event == "open":
            flags = args[2] or 0
            writes = set(args[1] or "") & set("wax+") or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            return bool(writes) and isinstance(args[0], str) and args[0].startswith(self.folder)
        if event == "os.remove" and not os.path.lexists(args[0]):
            return False  # the system says so before it looks at anything else
        return event in self.CHANGES and isinstance(args[0], str | Path) and str(args[0]).startswith(self.folder)


STEPS = Steps()


@contextmanager
def files_of_at_most(count: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes, as a disk does that is full."""
    if resource is None:
        yield
        return
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, was[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)


# ---------------------------------------------------------------- what is done to files


class Operation(ABC):
    """Something that is written, old and new.

    Attributes
    ----------
    name
        What it is.
    """

    name: ClassVar[str]

    @abstractmethod
    def write(self, folder: Path, value: int) -> None:
        """Write what `value` makes different."""

    @abstractmethod
    def read(self, folder: Path) -> int:
        """Return which `value` it is; 0 = nothing is there."""


class _Result(Operation):
    """A label image in one of the formats."""

    format: registry.Format

    def write(self, folder: Path, value: int) -> None:
        labels = np.zeros(SHAPE, np.int32)
        labels[2 : 4 + 4 * value, 5:30] = 1
        result = SegmentationResult(ArrayLabels(labels), (ResultObject(1, 0.5),), image="image")
        self.format.write(result, folder / f"labels{self.format.ending}")

    def read(self, folder: Path) -> int:
        path = folder / f"labels{self.format.ending}"
        if not path.exists():
            return 0
        rows = np.flatnonzero(self.format.read(path, SHAPE).label_image().any(axis=1))
        return round((len(rows) - 2) / 4)


class _Small(Operation):
    """A file that is written by one function and read by another."""

    save: ClassVar[Callable[[int, Path], None]]
    load: ClassVar[Callable[[Path], int]]

    def write(self, folder: Path, value: int) -> None:
        type(self).save(value, folder / "file.json")

    def read(self, folder: Path) -> int:
        path = folder / "file.json"
        return type(self).load(path) if path.exists() else 0


class RecipeFile(_Small):
    """A recipe."""

    name = "a recipe"
    save = staticmethod(lambda v, p: save_recipe(Recipe(parameters=Parameters(contrast_limits=(0.0, float(v)))), p))
    load = staticmethod(lambda p: round((load_recipe(p).parameters.contrast_limits or (0, 0))[1]))


class ExemplarsFile(_Small):
    """Examples."""

    name = "examples"
    save = staticmethod(lambda v, p: save_exemplars(Exemplars("form", np.full((1, 4), v), np.zeros((0, 4))), p))
    load = staticmethod(lambda p: round(float(fs.load_exemplars(p).examples[0, 0])))


class PromptsFile(_Small):
    """Prompts."""

    name = "prompts"
    save = staticmethod(lambda v, p: save_prompts(fs.Prompts(points=[[v, v]]), p))
    load = staticmethod(lambda p: round(float(load_prompts(p).points[0, 0])))


class Annotations(Operation):
    """The annotations of an image: steps in a journal, and all of it written anew."""

    name = "annotations"

    def write(self, folder: Path, value: int) -> None:
        kept = AnnotationFolder(folder / "annotations")
        try:
            labels = np.full(SHAPE, value, np.int32)
            tile = LabelTile((0, 0), np.full(SHAPE, value, np.int32))
            kept.append(AnnotationStep(SHAPE, "int32", (tile,)))
            table = pd.DataFrame({"index": [value], "score": [0.5]})
            kept.save(Annotation(labels, table, {}, {}), ImageState(state="in work"))
        finally:
            kept.close()

    def read(self, folder: Path) -> int:
        if not (folder / "annotations").exists():
            return 0
        labels = AnnotationFolder(folder / "annotations").load(writable=False).annotation.labels
        values = np.unique(labels) if labels is not None else [0]
        assert len(values) == 1, f"labels of two times are mixed: {values}"
        return int(values[0])


def operations() -> list[Operation]:
    """Return all of them, with one for each format that can be read again."""
    made: list[Operation] = [RecipeFile(), ExemplarsFile(), PromptsFile(), Annotations(), Annotations()]
    for format_ in registry.readers():
        if format_.writes and not format_.gathers and format_.keeps_labels:
            kind = type("Result", (_Result,), {"name": f"labels as {format_.name}", "format": format_})
            made.append(kind())
    return made


# ---------------------------------------------------------------- the campaign


class Faults(Campaign):
    """One step of one operation fails."""

    name = "faults"
    must_hold = "nothing accepted is lost, no half file stays, the message says what to do"
    goal = 3_000
    unit = "faults"

    def begin(self, folder: Path) -> None:
        """Count the steps of each operation."""
        super().begin(folder)
        self.operations = operations()
        self.counts: dict[int, int] = {}
        for number, operation in enumerate(self.operations):
            place = self._fresh(operation)
            with STEPS.below(place):
                operation.write(place, 2)
            self.counts[number] = STEPS.count
            assert operation.read(place) == 2, f"{operation.name} is not read as it was written"
        self.model = fs.load_model("nuclei", device="cpu")
        rng = np.random.default_rng(0)
        self.image = (rng.random((64, 64)) * 200).astype(np.uint8)
        self.expected = self.model.segment(self.image, imgsz=64).to_labels()
        self.server = _Server()
        self._pause, fetching._PAUSE_SECONDS = fetching._PAUSE_SECONDS, 0.0

    def end(self) -> None:
        """Close the server."""
        self.server.close()
        fetching._PAUSE_SECONDS = self._pause

    def try_case(self, rng: np.random.Generator) -> str:
        """Let one step fail."""
        kind = rng.integers(10)
        if kind < 7:
            return self._write(rng)
        if kind == 7:
            return self._download(rng)
        return self._memory(rng) if kind == 8 else self._no_torch()

    def _fresh(self, operation: Operation) -> Path:
        place = self.folder / "place"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        operation.write(place, 1)
        return place

    def _write(self, rng: np.random.Generator) -> str:
        number = int(rng.integers(len(self.operations)))
        operation = self.operations[number]
        place = self._fresh(operation)
        code = int(rng.choice([errno.ENOSPC, errno.EACCES, errno.EIO]))
        step, lasts, most = int(rng.integers(self.counts[number])), bool(rng.integers(2)), int(rng.integers(4000))
        full = rng.integers(3) == 0
        what = f"{operation.name}, " + (
            f"files of at most {most} bytes" if full else f"step {step}, {errno.errorcode[code]}"
        )
        fault = files_of_at_most(most) if full else STEPS.below(place, step, OSError(code, ""), lasts)
        failed, said = False, ""
        try:
            with fault:
                operation.write(place, 2)
        except fs.FastSAMError as error:
            failed, said = True, str(error)
            assert len(said) > 20, f"{what}: {said}"
        for aside in place.glob(".*.old"):  # a folder that could not be put back either
            assert str(aside) in said, f"{what}: it lies in {aside}, and is not said to: {said}"
            mend(place / aside.name[1:].rsplit(".", 2)[0])
        found = operation.read(place)
        assert found in ((1, 2) if failed else (2,)), (
            f"{what}: {found} is read, {'after an error' if failed else 'done'}"
        )
        operation.write(place, 3)
        assert operation.read(place) == 3, f"{what}: then it could not be written"
        return "refused" if failed else "written all the same"

    def _download(self, rng: np.random.Generator) -> str:
        """Fetch a file from a server that is cut, slow to answer, or sends something else."""
        target = self.folder / "downloads" / "weights.pt"
        shutil.rmtree(target.parent, ignore_errors=True)
        older = bool(rng.integers(2))
        if older:
            target.parent.mkdir()
            target.write_bytes(b"older")
        self.server.cut = [int(rng.integers(len(_Server.CONTENT) + 1)) for _ in range(int(rng.integers(1, 5)))]
        self.server.wrong = bool(rng.integers(4) == 0)
        try:
            fetch(
                self.server.url, target, size=len(_Server.CONTENT), sha256=hashlib.sha256(_Server.CONTENT).hexdigest(),
                otherwise="Get it by hand.",
            )  # fmt: skip
        except fs.FastSAMError as error:
            assert "Get it by hand." in str(error) or "room" in str(error), str(error)
            left = sorted(p.name for p in target.parent.iterdir()) if target.parent.exists() else []
            assert left == (["weights.pt"] if older else []), f"a part was left: {left}"
            assert not older or target.read_bytes() == b"older"
            return "refused"
        assert target.read_bytes() == _Server.CONTENT
        return "fetched all the same"

    def _memory(self, rng: np.random.Generator) -> str:
        """Let a layer of the network find no memory, as on a GPU that others use."""
        layers = [layer for layer in self.model.network.modules() if not list(layer.children())]  # type: ignore[attr-defined]

        def fail(*_: object) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

        hook = layers[rng.integers(len(layers))].register_forward_pre_hook(fail)
        try:
            self.model.segment(self.image, imgsz=64)
            outcome = "written all the same"  # a layer that is not passed
        except fs.FastSAMError as error:
            assert "not enough memory" in str(error)
            outcome = "refused"
        finally:
            hook.remove()
        again = self.model.segment(self.image, imgsz=64).to_labels()
        assert np.array_equal(again, self.expected), "after too little memory another result comes"
        return outcome

    def _no_torch(self) -> str:
        """Load a model where torch cannot be imported."""
        kept = sys.modules["torch"]
        sys.modules["torch"] = None  # type: ignore[assignment]
        try:
            fs.load_model("nuclei", device="cpu")
        except fs.FastSAMError as error:
            assert "install it again" in str(error)
            return "refused"
        finally:
            sys.modules["torch"] = kept
        raise AssertionError("a model was loaded without torch")


class _Server:
    """A server of this machine that sends a file as far as it is let."""

    CONTENT = np.random.default_rng(0).bytes(30_000)

    def __init__(self) -> None:
        self.cut: list[int] = []
        self.wrong = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/weights.pt"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, owner: _Server, *args: Any) -> None:
        self.owner = owner
        super().__init__(*args)

    def do_GET(self) -> None:
        content = bytes(len(_Server.CONTENT)) if self.owner.wrong else _Server.CONTENT
        upto = self.owner.cut.pop(0) if self.owner.cut else len(content)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:upto])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass
