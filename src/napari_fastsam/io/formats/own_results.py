"""Which files of a folder are results of this program and no images to work on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from napari_fastsam.io.formats.about import PROVENANCE_KEY
from napari_fastsam.io.formats.registry import writers
from napari_fastsam.io.images.images import TIFF_SUFFIXES
from napari_fastsam.io.images.inputs import Input


def without_results(images: Sequence[Input], named: Collection[str] = ()) -> tuple[list[Input], list[Input]]:
    """Tell images from results that lie beside them, from a run that wrote into their folder.

    Parameters
    ----------
    images
        As `io.images.finding.find_inputs` gives them.
    named
        Files that were named one by one: label TIFFs among them count as results only if this program wrote them.

    Returns
    -------
    images
        Without files that are called as results of another of them are: ``a_labels.tif`` beside ``a.tif``, with the
        folder's name in front or without.
    results
        Those.
    """
    endings = tuple(sorted({f.ending for f in writers()}, key=len, reverse=True))
    places = {(image.path.absolute().parent, image.name) for image in images if not image.where}
    results = [
        image for image in images
        if _image_of(image.path.absolute(), endings) & places and (str(image.path) not in named or _is_ours(image.path))
    ]  # fmt: skip
    ours = set(map(id, results))
    return [image for image in images if id(image) not in ours], results


def _is_ours(path: Path) -> bool:
    """Whether a label TIFF says that this program wrote it; of other files their names say enough."""
    import tifffile

    if path.suffix.casefold() not in TIFF_SUFFIXES:
        return True
    try:
        with tifffile.TiffFile(path) as file:
            return PROVENANCE_KEY in file.pages.first.description
    except Exception:  # noqa: BLE001 - it is damaged, which is told when it is read
        return False


def _image_of(path: Path, endings: tuple[str, ...]) -> set[tuple[Path, str]]:
    """Return folder and name of images that a file may be a result of."""
    if not path.name.endswith(endings):
        return set()
    ending = next((e for e in endings if path.name.endswith(e) and path.name != e), None)
    if ending is None:
        return set()
    stem = path.name.removesuffix(ending)
    return {(path.parent, stem), (path.parent, stem.removeprefix(f"{path.parent.name}_"))}
