"""What workers find of an image plane by plane and tile by tile: in files of their own until all of it is there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_fastsam.core.objects.features import FeatureMap, ImageFeatures
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.planes.tiling import TileGrid, Tiling
from napari_fastsam.core.results.result import Index, ResultObject
from napari_fastsam.io.images.images import every_index
from napari_fastsam.io.results.results import write_whole
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.asking.tiled import TileDetections, TilePlan
from napari_fastsam.model.asking.tiled_search import ObjectEmbeddings


@dataclass(frozen=True)
class RunTask:
    """Some of an image, for one task.

    Attributes
    ----------
    kind
        "plane" = all of a plane; "plan" = how a large plane is seen; "tile" = one piece of it.
    index
        Which plane.
    number
        Which piece.
    """

    kind: Literal["plane", "plan", "tile"]
    index: Index
    number: int = 0

    def path(self, folder: Path) -> Path:
        """Return the file in which it is kept."""
        name = "-".join(map(str, self.index)) or "plane"
        return folder / {"plane": f"{name}.npz", "plan": f"{name}.json", "tile": f"{name}-{self.number}.npz"}[self.kind]

    def tiles(self, folder: Path) -> list[RunTask]:
        """Return the tiles of a plan that was finished."""
        return [RunTask("tile", self.index, number) for number in range(len(read_plan(self.path(folder))))]

    def is_whole(self, folder: Path) -> bool:
        """Whether it was finished, and can be read."""
        reader: Callable[[Path], object] = {"plane": read_plane, "plan": read_plan, "tile": read_detections}[self.kind]
        try:
            reader(self.path(folder))
        except Exception:  # noqa: BLE001 - whatever is wrong with it, it is made again
            return False
        return True


def missing_parts(folder: Path, lengths: Sequence[int], tiled: bool) -> Iterator[RunTask]:
    """Yield the parts of an image that are not whole yet; the tiles of a plane only once it has a plan."""
    for index in every_index(lengths):
        part = RunTask("plan" if tiled else "plane", index)
        if not part.is_whole(folder):
            yield part
        elif tiled:
            yield from missing_tiles(folder, index)


def missing_tiles(folder: Path, index: Index) -> Iterator[RunTask]:
    """Yield the tiles of a large plane that were not seen yet."""
    pieces = range(len(read_plan(RunTask("plan", index).path(folder))))
    return (tile for n in pieces if not (tile := RunTask("tile", index, n)).is_whole(folder))


@dataclass(frozen=True, eq=False)
class PlaneLabels:
    """The labels of one plane, or of one stack.

    Attributes
    ----------
    labels
        (Y, X), or (N, Y, X) where planes were linked; 0 = background.
    objects
        What is known of them; of planes that were linked the same tuple for all.
    """

    labels: Any
    objects: tuple[ResultObject, ...] = ()

    @property
    def scores(self) -> dict[int, float]:
        """Confidence by number."""
        return {found.number: found.score for found in self.objects}


def scored(scores: Iterable[float]) -> tuple[ResultObject, ...]:
    """Return objects of which only their scores are known, numbered from 1."""
    return tuple(ResultObject(number, score) for number, score in enumerate(scores, start=1))


def write_plane(path: Path, found: PlaneLabels) -> None:
    """Keep the labels of a plane, whole or not at all."""
    _write_arrays(
        path,
        labels=np.asarray(found.labels),
        objects=np.array(json.dumps([one.to_json() for one in found.objects])),
    )


def read_plane(path: Path) -> PlaneLabels:
    """Read what `write_plane` kept."""
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as kept:
        return PlaneLabels(kept["labels"], tuple(map(ResultObject.from_json, json.loads(str(kept["objects"])))))


def write_plan(path: Path, plan: TilePlan) -> None:
    """Keep how a large plane is seen, whole or not at all."""
    write_whole(path, lambda file: file.write_text(json.dumps(asdict(plan)), encoding="utf-8"))


def read_plan(path: Path) -> TilePlan:
    """Read what `write_plan` kept."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    grid, first = kept["grid"], kept["first"]
    return TilePlan(
        TileGrid(tuple(grid["shape"]), grid["scale"], Tiling(**grid["tiling"])),
        tuple(kept["contrast_limits"]),
        Thresholds(**kept["thresholds"]),
        None if first is None else tuple(first),
    )


def write_detections(path: Path, found: TileDetections) -> None:
    """Keep what was found in a tile, whole or not at all."""
    embeddings = {} if found.embeddings is None else _stored(found.embeddings)
    _write_arrays(
        path,
        window=np.array(found.window, np.int64),
        places=np.array([(m.top, m.left, *m.pixels.shape) for m in found.masks], np.int64).reshape(-1, 4),
        pixels=np.packbits(np.concatenate([np.zeros(0, bool), *(m.pixels.ravel() for m in found.masks)])),
        scores=np.array(found.scores, np.float64),
        coarse=np.array(found.coarse),
        **embeddings,
    )


def read_detections(path: Path) -> TileDetections:
    """Read what `write_detections` kept."""
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as kept:
        places, scores, coarse = kept["places"], kept["scores"].tolist(), bool(kept["coarse"])
        y0, x0, y1, x1 = kept["window"].tolist()
        embeddings = _restored(kept) if "source" in kept else None
        lengths = places[:, 2] * places[:, 3]
        pixels = np.split(np.unpackbits(kept["pixels"], count=int(lengths.sum())).astype(bool), np.cumsum(lengths))
    masks = [
        CroppedMask(top, left, own.reshape(height, width))
        for (top, left, height, width), own in zip(places.tolist(), pixels, strict=False)
    ]
    return TileDetections((y0, x0, y1, x1), masks, scores, coarse, embeddings)


def _stored(embeddings: ObjectEmbeddings) -> dict[str, Any]:
    maps = embeddings.image_features.maps
    described = {f"described{way}": vectors for way, vectors in enumerate(embeddings.vectors)}
    return described | {
        "source": np.array(embeddings.image_features.source),
        "channels": np.array([level.values.shape[-1] for level in maps], np.int64),
        "strides": np.array([level.stride for level in maps], np.float64),
    }


def _restored(kept: Mapping[str, Any]) -> ObjectEmbeddings:
    levels = zip(kept["channels"].tolist(), kept["strides"].tolist(), strict=True)
    maps = tuple(FeatureMap(np.zeros((0, 0, channels), np.float32), stride) for channels, stride in levels)
    count = sum(name.startswith("described") for name in kept)
    image_features = ImageFeatures(np.zeros((0, 0, 3), np.uint8), maps, str(kept["source"]))
    return ObjectEmbeddings(image_features, tuple(kept[f"described{way}"] for way in range(count)))


def _write_arrays(path: Path, **arrays: Any) -> None:
    def write(file: Path) -> None:
        with file.open("wb") as opened:
            np.savez_compressed(opened, **arrays)

    write_whole(path, write)
