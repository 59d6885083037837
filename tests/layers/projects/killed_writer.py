"""A process that edits a Labels layer and saves it, step by step, until it is killed; forked from one that is ready.

``python killed_writer.py FOLDER RUNS SEED`` prints a line for each run that did not end as it should, then ``done``.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from napari.layers import Labels

from napari_fastsam.io.projects.annotations import AnnotationFolder
from napari_fastsam.io.projects.state import ImageState
from napari_fastsam.layers.projects.recorder import AnnotationRecorder

SHAPE = (300, 300)
MOST_STEPS = 150


def edit(layer: Labels, step: int) -> None:
    """Change a layer; the same for the same step, whatever was restored between."""
    rng = random.Random(step)
    place = (rng.randrange(SHAPE[0]), rng.randrange(SHAPE[1]))
    if step % 7 == 3:
        layer.data[:40, :40] = step
        layer.refresh()
    elif step % 5 == 4:
        layer.fill(place, step)
    else:
        layer.paint(place, step % 50 * (step % 3 > 0))
    if step % 3 == 0:
        rows = layer.features.to_dict("records")[-5:]
        layer.features = pd.DataFrame([*rows, {"index": step + 1, "score": step / 7, "class": "ab"[step % 2]}])
    layer.metadata = {"napari-fastsam": [{"step": i} for i in range(step + 1)]}


def expected() -> list[tuple[np.ndarray, list, int]]:
    """What there is after each step."""
    layer, found = Labels(np.zeros(SHAPE, np.int32)), []
    for step in range(MOST_STEPS):
        edit(layer, step)
        found.append((layer.data.copy(), layer.features.to_dict("records"), len(layer.metadata["napari-fastsam"])))
    return found


def write(folder: Path, first: int, told: int, last: int = MOST_STEPS) -> None:
    """Go on with what is restored, and say the number of each step once it is kept."""
    kept = AnnotationFolder(folder)
    loaded = kept.load()
    layer = Labels(np.zeros(SHAPE, np.int32) if loaded.annotation.labels is None else loaded.annotation.labels)
    if loaded.annotation.features is not None:
        layer.features = loaded.annotation.features
    layer.metadata = loaded.annotation.metadata
    recorder = AnnotationRecorder(layer, lambda: None)
    for step in range(first, last):
        edit(layer, step)
        kept.append(recorder.take_step())
        os.write(told, step.to_bytes(4, "little"))
        if step % 6 == 5:
            kept.save(recorder.annotation(), ImageState(state="in work"))


def killed(folder: Path, first: int, after: float) -> int:
    """Have a process write until it is killed; returns the last step that it said was kept."""
    read, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        write(folder, first, told)
        os._exit(0)
    os.close(told)
    begun = os.read(read, 4)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(read, "rb") as file:
        steps = begun + file.read()
    return int.from_bytes(steps[-4:], "little") if steps else first - 1


def main(folder: Path, runs: int, seed: int) -> None:
    rng, after_each = random.Random(seed), expected()
    _, nowhere = os.pipe()
    write(folder / "once", 0, nowhere, 8)  # imports what is needed before it is forked
    last = -1
    for run in range(runs):
        if last > MOST_STEPS - 50:
            folder, last = folder / "again", -1
        kept = killed(folder, last + 1, rng.random() * 0.06)
        loaded = AnnotationFolder(folder).load()
        count = len(loaded.annotation.metadata["napari-fastsam"]) if loaded.annotation.metadata else 0
        labels, features, _ = after_each[count - 1]
        rows = sorted(loaded.annotation.features.to_dict("records"), key=lambda row: row["index"])
        whole = np.array_equal(loaded.annotation.labels, labels) and rows == sorted(features, key=lambda r: r["index"])
        if not whole or count - 1 not in (kept, kept + 1) or loaded.notes:
            print(f"run {run}: {kept} was kept, {count - 1} restored, whole: {whole}, {loaded.notes}")
        last = count - 1
    print("done", last)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
