"""A folder of images with annotations: which images there are, and where what is known of them lies."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_fastsam.errors import DatasetError, FastSAMError, ImageError, LabelsError
from napari_fastsam.files import read_json
from napari_fastsam.io.formats.own_results import without_results
from napari_fastsam.io.images.finding import find_inputs
from napari_fastsam.io.images.images import every_index
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.lock import locked
from napari_fastsam.io.projects.annotations import JOURNAL, AnnotationFolder
from napari_fastsam.io.projects.places import user_folder
from napari_fastsam.io.projects.state import FILE as STATE
from napari_fastsam.io.projects.state import Fingerprint, ImageState, read_state
from napari_fastsam.io.results.names import fitting, plain_name
from napari_fastsam.io.results.results import OutputError, make_folder, write_whole
from napari_fastsam.version import __version__

FOLDER, FILE, LOCK = "annotations", "project.json", ".lock"
SCHEMA, VERSION = "napari-fastsam project", 1

REPLAY = "replay"
"""Below the annotations of an image: its labels made again."""

_MOST_NAMED = 3
"""Images that a sentence names."""


@dataclass(frozen=True)
class ProjectImage:
    """One image of a project.

    Attributes
    ----------
    name
        Its path below the project's folder, with slashes; a plane of a stack has ``#`` and its index behind it.
    input
        The file.
    plane
        Which plane of a stack it is; None = all that the file holds.
    folder
        Of its annotations.
    """

    name: str
    input: Input
    plane: tuple[int, ...] | None
    folder: Path

    def annotations(self) -> AnnotationFolder:
        """Return the folder with its annotations, to be read and written."""
        return AnnotationFolder(self.folder)

    def fingerprint(self) -> Fingerprint:
        """Return what its file is now. Raises OSError if it cannot be read."""
        return Fingerprint.of(self.input.path)

    def remark(self, state: ImageState) -> str:
        """Return what became of its file since it was annotated: "" if it is the same."""
        if state.image is None:
            return ""
        try:
            same = state.image.is_of(self.input.path)
        except OSError as error:
            return f"{self.name} cannot be read any more ({error.strerror or error}); its annotations are kept."
        changed = f"{self.name} was changed or replaced since it was annotated; its annotations are kept: look at them."
        return "" if same else changed


@dataclass(eq=False)
class Project:
    """An open project.

    Attributes
    ----------
    folder
        With the images.
    annotations
        The folder of their annotations.
    images
        In the order in which they are gone through.
    about
        What ``project.json`` says beside that: classes and whatever other parts of the program keep there.
    writable
        Whether this window may write; another one may have the project.
    notes
        Sentences about what is unusual.
    """

    folder: Path
    annotations: Path
    images: list[ProjectImage] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    writable: bool = True
    notes: tuple[str, ...] = ()
    _lock: ExitStack = field(default_factory=ExitStack, repr=False)

    def states(self) -> Iterator[ImageState]:
        """Yield how far each image is, in their order; one whose file is damaged counts as in work."""
        there = _folders_in(self.annotations)
        for image in self.images:
            if image.folder.name not in there and image.folder.parent == self.annotations:
                yield ImageState()
                continue
            try:
                yield read_state(image.folder)
            except FastSAMError as error:
                yield ImageState("in work", note=str(error))

    def is_of(self, folder: Path) -> bool:
        """Whether this is the project of a folder, by whatever path that is named."""
        return os.path.realpath(self.folder) == os.path.realpath(folder.expanduser())

    def write(self) -> None:
        """Write ``project.json``. Raises OutputError if that fails."""
        content = {"schema": SCHEMA, "version": VERSION, "written_by": __version__, **self.about}
        text = json.dumps(content, indent=1) + "\n"
        write_whole(self.annotations / FILE, lambda file: file.write_text(text, encoding="utf-8"))

    def close(self) -> None:
        """Let others write."""
        self._lock.close()


def open_project(folder: Path, planes: bool | None = None) -> Project:
    """Open a folder of images to annotate them.

    Parameters
    ----------
    folder
        With images, in folders below it too.
    planes
        Whether each plane of a stack is an image of its own; None = as it was, or else not.

    Raises
    ------
    DatasetError
        If it is no folder, or has no image in it.
    LabelsError
        If ``project.json`` is damaged.
    """
    folder = folder.expanduser().absolute()
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "is not there"
        raise DatasetError(f"{folder} {what}; choose a folder with images in it")
    inputs = find_images(folder)
    if not inputs:
        raise DatasetError(f"{folder} has no image in it; choose a folder with images, such as TIFF, PNG or OME-Zarr")
    project = Project(folder, folder / FOLDER)
    taken = _take(project)
    try:
        project.about = _read_about(project.annotations / FILE)
        if planes is not None:
            project.about["planes"] = planes
        project.images = list(_named(project, inputs))
        project.notes = tuple(filter(None, (taken, _told_of_gone(project))))
        if project.writable and planes is not None:
            project.write()
    except BaseException:
        project.close()
        raise
    return project


def find_images(folder: Path) -> list[Input]:
    """Return the images in a folder and in those below it, sorted by path; results and annotations are none."""
    found: list[Input] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name != FOLDER and not name.endswith(".zarr")
        )
        if files or any(name.endswith(".zarr") for name in os.listdir(place)):
            try:
                found += find_inputs([place])
            except ImageError:
                continue
    images, _ = without_results(found)
    return images


def _take(project: Project) -> str:
    """Take the folder of annotations for this window; returns what is unusual about it."""
    note = ""
    try:
        make_folder(project.annotations)
        if not os.access(project.annotations, os.W_OK):
            raise OutputError(f"{project.annotations} cannot be written")
    except OutputError:
        project.annotations = own_folder(project.folder)
        make_folder(project.annotations)
        note = f"{project.folder} cannot be written to: annotations go to {project.annotations}."
    taken = (
        f"{project.folder} is open in another window: nothing is saved here. Close it there, then open it here again."
    )
    try:
        project._lock.enter_context(locked(project.annotations / LOCK, taken))  # noqa: SLF001 - of this module
    except OutputError as error:
        project.writable = False
        note = str(error)
    return note


def _told_of_gone(project: Project) -> str:
    """Say which annotated images are not in the folder any more; planes and their stack count as one image."""
    root = project.annotations
    there = {image.folder.relative_to(root).as_posix().partition("#")[0] for image in project.images}
    found = {path.parent.relative_to(root) for path in (*root.rglob(STATE), *root.rglob(JOURNAL))}
    names = {path.as_posix().partition("#")[0] for path in found if path.name != REPLAY}
    gone = sorted(names - there)
    if not gone:
        return ""
    told = ", ".join(gone[:_MOST_NAMED]) + (" …" if len(gone) > _MOST_NAMED else "")
    what = "An annotated image is" if len(gone) == 1 else f"{len(gone)} annotated images are"
    return f"{what} not in {project.folder.name} any more: {told}; the annotations are kept in {root}."


def own_folder(folder: Path) -> Path:
    """Return where the annotations of a folder lie that cannot be written to."""
    tag = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:12]
    return user_folder() / "projects" / f"{plain_name(folder.name)}-{tag}"


def _read_about(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    content = read_json(path, "a project", LabelsError)
    if not isinstance(content, Mapping) or content.get("schema") != SCHEMA or content.get("version") != VERSION:
        raise LabelsError(f"{path} is not a project of version {VERSION}; update napari-fastsam, or remove the file")
    return {key: value for key, value in content.items() if key not in ("schema", "version", "written_by")}


def _named(project: Project, inputs: Sequence[Input]) -> Iterator[ProjectImage]:
    """Yield the images with the folders of their annotations, no two the same on any file system."""
    paths = [_path_of(project.folder, image) for image in inputs]
    lowered: dict[str, list[str]] = {}
    for path in paths:
        lowered.setdefault(path.casefold(), []).append(path)
    for path, image in zip(paths, inputs, strict=True):
        alike = lowered[path.casefold()]
        own = path if len(alike) == 1 else _told_apart(project.annotations, path, alike)
        for name, plane in _planes_of(image, path, bool(project.about.get("planes"))):
            parts = [fitting(part, "") for part in (own + name.removeprefix(path)).split("/")]
            yield ProjectImage(name, image, plane, project.annotations.joinpath(*parts))


def _path_of(folder: Path, image: Input) -> str:
    path = image.path.relative_to(folder).as_posix()
    return f"{path}/{image.where}" if image.where else path


def _told_apart(annotations: Path, path: str, alike: Sequence[str]) -> str:
    """Return a name for one of several images whose names differ in case only.

    The first of them keeps its name, unless another was there before.
    """
    tagged = f"{path}~{hashlib.sha256(path.encode()).hexdigest()[:8]}"
    owner = next((one for one in alike if _is_there(annotations / one)), alike[0])
    return path if path == owner and not _is_there(annotations / tagged) else tagged


def _is_there(folder: Path) -> bool:
    """Whether a folder is there under exactly this name, also where the file system takes others for it."""
    try:
        return folder.name in os.listdir(folder.parent)
    except OSError:
        return False


def _planes_of(image: Input, path: str, each: bool) -> Iterator[tuple[str, tuple[int, ...] | None]]:
    """Yield the name and the place of each plane of an image, or of the image as a whole."""
    try:
        lengths = image.describe().lengths if each else ()
    except FastSAMError:
        lengths = ()
    if not lengths:
        yield path, None
    for index in every_index(lengths) if lengths else ():
        yield f"{path}#{'-'.join(map(str, index))}", index


def _folders_in(folder: Path) -> set[str]:
    try:
        return {entry.name for entry in os.scandir(folder) if entry.is_dir()}
    except OSError:
        return set()
