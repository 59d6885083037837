"""What is done on instances that are already there: prompts, sliders, painting; and what it takes of memory."""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc

import numpy as np
import pytest
from timing import median_ms

import napari_fastsam as fs
from napari_fastsam.core.image.intensity import to_rgb8
from napari_fastsam.model.asking.plane_prediction import predict_plane
from napari_fastsam.model.asking.thresholds import Thresholds


@pytest.fixture(scope="module")
def seen(model, sparse):
    return predict_plane(model, sparse, imgsz=1024)


def test_to_labels(benchmark, figure, model, dense):
    instances = model.segment(dense, imgsz=1024)
    three_hundred = instances.subset(np.arange(300))
    benchmark(three_hundred.to_labels)
    figure("to_labels, 300 objects, 1024²", median_ms(three_hundred.to_labels), "ms", 10)


def test_another_point_box_or_slider(benchmark, figure, seen):
    objects = seen.proposals.instances()
    centres = (objects.boxes[:, :2] + objects.boxes[:, 2:]) / 2
    counter = iter(range(10_000))

    def with_one_more(kind: str):
        # each call has a prompt that no call before had, beside ten that stay
        n = next(counter) % (len(objects) - 12)
        points = centres[:10].tolist() + ([centres[10 + n].tolist()] if kind == "point" else [])
        boxes = [objects.boxes[10 + n]] if kind == "box" else []
        return seen.select_from_cache(fs.Prompts(points=points, boxes=boxes).queries, Thresholds())

    def slider():
        return seen.proposals.instances(conf=0.25 + 0.002 * (next(counter) % 200), iou=0.7)

    benchmark(lambda: with_one_more("point"))
    figure("stage two: a further point", median_ms(lambda: with_one_more("point"), 100), "ms", 5)
    figure("stage two: a further box", median_ms(lambda: with_one_more("box"), 100), "ms", 5)
    figure("stage two: confidence slider, everything", median_ms(slider, 100), "ms", 5)
    figure(
        "stage two: overlap slider, everything",
        median_ms(lambda: seen.proposals.instances(0.25, 0.3 + 0.004 * (next(counter) % 100)), 100),
        "ms",
        5,
    )


def test_memory_of_a_large_plane(benchmark, figure, model, dense):
    import psutil

    large = np.kron(dense[:, :1024], np.ones((4, 4), np.uint8))
    assert large.shape == (4096, 4096)
    proposals = model.propose(to_rgb8(large), 1024, conf_floor=0.25)
    ranks = proposals.ranks(0.25, 0.7)[:300]
    gc.collect()
    peak = _PeakOfProcess(psutil.Process())
    tracemalloc.start()
    with peak:
        labels = proposals.subset(ranks).to_labels()
    traced = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(np.unique(labels)) > 250
    figure("4096², 300 objects: stage two adds (tracemalloc)", traced / 2**20, "MB", 300)
    figure("4096², 300 objects: stage two adds (RSS)", peak.rise / 2**20, "MB", 300)
    benchmark.pedantic(lambda: model.propose(to_rgb8(dense), 1024).instances(), rounds=1)


class _PeakOfProcess:
    """The largest rise of a process' resident memory while a block runs, sampled every millisecond."""

    def __init__(self, process) -> None:
        self._process = process
        self.rise = 0

    def __enter__(self) -> None:
        self._before = self._process.memory_info().rss
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.is_set():
            self.rise = max(self.rise, self._process.memory_info().rss - self._before)
            time.sleep(0.001)

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
