"""Labels of another program for an image: found by its name, and read as proposals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_fastsam.errors import ParameterError
from napari_fastsam.io.formats.registry import can_read, read_labels
from napari_fastsam.io.results.results import stem_of
from napari_fastsam.model.asking.beside import OtherProposals


def read_proposals(place: Path, image: Path, shape: tuple[int, int], index: Sequence[int] = ()) -> OtherProposals:
    """Read what another program found on an image.

    Parameters
    ----------
    place
        A file of labels in any format that is read, or a folder with one for each image, called as the image is, with
        more behind it or not: ``a.tif``, ``a_cp_masks.png`` or ``a_labels.tif`` for ``a.png``.
    image
        The image.
    shape
        ``(H, W)`` of the plane that is looked at.
    index
        Which plane of a stack it is; labels of one plane are taken for every one.

    Raises
    ------
    ParameterError
        If there is none, more than one, or it is of another shape.
    ImageError, DatasetError
        If it cannot be read.
    """
    path = _labels_for(place, image) if place.is_dir() else place
    found = read_labels(path, shape)
    labels = found.label_image()
    if labels.ndim == 2 + len(index):
        labels = labels[tuple(index)]
    if labels.shape != shape:
        raise ParameterError(
            f"{path} has labels of {labels.shape} pixels and {image.name} has {shape}; expected as many"
        )
    known = {one.number: one.score for one in found.objects}
    return OtherProposals.of_labels(labels, path.name, known)


def _labels_for(folder: Path, image: Path) -> Path:
    here = image.absolute()
    named = [path for path in sorted(folder.iterdir()) if _is_called(path, image) and path.absolute() != here]
    readable = [path for path in named if can_read(path)]
    fitting = [path for path in readable if not _is_of_another(path, image)] or readable
    if len(fitting) != 1:
        there = ", ".join(path.name for path in fitting[:3]) or "none"
        raise ParameterError(
            f"{folder} should have one file of labels for {image.name}, such as {image.stem}.tif or "
            f"{image.stem}_cp_masks.png; there is {there}"
        )
    return fitting[0]


def _is_called(path: Path, image: Path) -> bool:
    """Whether a file is called as an image is, with or without the ``.ome`` of its name, with more behind it or not."""
    return any(
        f"{name}_".startswith(f"{of}_") for name in (path.stem, stem_of(path)) for of in (image.stem, stem_of(image))
    )


def _is_of_another(path: Path, image: Path) -> bool:
    """Whether labels are those of another image beside, as of ``cells_2.png`` where ``cells.png`` is meant."""
    if path.parent.resolve() == image.parent.resolve():
        return False
    names = {stem_of(image), stem_of(path)}
    others = (one for one in image.parent.iterdir() if stem_of(one) not in names and _is_called(one, image))
    return any(_is_called(path, other) for other in others)
