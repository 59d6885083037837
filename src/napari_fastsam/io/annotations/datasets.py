"""Annotated images from a folder of label images, a YOLO data.yaml or a COCO file.

The files are paired here, so that a dataset that does not fit together fails at once; pixels and outlines are read when
an example is asked for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from napari_fastsam.errors import DatasetError
from napari_fastsam.io.annotations import coco, folders, yolo
from napari_fastsam.io.annotations.examples import Dataset, Example, LabelImage
from napari_fastsam.io.annotations.kinds import kind_of

__all__ = ["Dataset", "Example", "LabelImage", "coco", "folders", "read_dataset", "read_datasets", "yolo"]


def read_dataset(path: str | Path, split: str | None = None, strict: bool = False) -> Dataset:
    """Find the annotated images of a dataset and pair each with its objects.

    Parameters
    ----------
    path
        * A folder with ``images/`` and ``labels/``: label images (TIFF or PNG, whole numbers, 0 = background), or files
          of any format that labels are read from (`io.formats`), with the stems of their images. Both may hold the same
          of the folders ``train``, ``val`` and ``test``. An optional ``index.csv`` beside them names each image's kind,
          in its columns ``id`` and ``kind``, and says in a column ``complete`` where objects are left undrawn
          (``false``). Where only parts of an image are decided, an image of the same name in a folder ``ignored``
          beside ``images`` is other than 0 where nothing is known.
        * A folder with images and what cellpose or this program found in them beside each: ``a.tif`` with
          ``a_masks.tif``, ``a_cp_masks.png``, ``a_seg.npy`` or ``a_labels.tif``.
        * A YOLO ``data.yaml`` with outlines, one text file an image.
        * A COCO ``.json`` with polygons or run lengths, its images beside it or in ``images/``.
    split
        Which part, for instance ``"train"``; None = ``val`` where there is one, else ``test``, else ``train``.
    strict
        Whether annotations that are slightly off are refused. Otherwise they are clipped or left out, and
        `Dataset.remarks` counts and names them.

    Returns
    -------
    Dataset
        With at least one example.

    Raises
    ------
    DatasetError
        If there is no such dataset or split, or images and labels do not pair up. Nothing is ever downloaded.
    """
    path = Path(path)
    return kind_of(path).read(path, split, strict)


def read_datasets(paths: Sequence[str | Path], split: str | None = None, strict: bool = False) -> tuple[Example, ...]:
    """Return the examples of several datasets together, each with a name of its own.

    Where images of two datasets have the same name, their dataset's is put in front. Images without a kind are of the
    kind that their dataset is, so that a large dataset does not drown a small one.

    Parameters
    ----------
    paths, split, strict
        As in `read_dataset`. With a split, a dataset without parts is taken whole.

    Raises
    ------
    DatasetError
        If one of them is of no use, or two datasets of the same name have images of the same name.
    """
    found = [read_dataset(path, strict=strict) for path in paths]
    if split is not None:
        found = [read_dataset(dataset.path, split, strict) if dataset.splits else dataset for dataset in found]
    if len(found) == 1:
        return found[0].examples
    counts = Counter(example.name for dataset in found for example in dataset.examples)
    examples = tuple(
        replace(
            example,
            name=example.name if counts[example.name] == 1 else f"{dataset.name}/{example.name}",
            group=example.group or dataset.name,
        )
        for dataset in found
        for example in dataset.examples
    )
    name, count = Counter(example.name for example in examples).most_common(1)[0]
    if count > 1:
        raise DatasetError(f"{count} images are named {name}, in folders of the same name; rename one of the folders")
    return examples
