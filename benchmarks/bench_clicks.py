"""One click → new mask: the correcting stage, beside one pass of the first network over the same picture."""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest
from timing import in_turns

import napari_fastsam as fs
from napari_fastsam.model.asking.click_refiner import ClickRefiner
from napari_fastsam.model.correcting.corrector import GaussianProcess
from napari_fastsam.model.correcting.weights import load_corrector


@pytest.fixture(scope="module")
def prediction(model, sparse):
    return fs.predict(model, sparse, imgsz=1024)


@pytest.mark.parametrize("clicks", [2, 5, 10])
def test_a_further_click(benchmark, figure, model, sparse, prediction, clicks):
    mask = max(prediction.proposals.instances().masks, key=lambda crop: crop.area)
    inside = np.argwhere(mask.pixels) + np.array([mask.top, mask.left])
    counter = itertools.count()

    def one_more(refiner: ClickRefiner) -> None:
        # clicks that no call before had: what is remembered costs nothing
        rng = np.random.default_rng(next(counter))
        points = rng.choice(inside, clicks, replace=False)
        prompts = fs.Prompts(points, [1] + [0] * (clicks - 1), [1] * clicks)
        prediction.select(prompts, refine=refiner)

    network, process = ClickRefiner(load_corrector()), ClickRefiner(GaussianProcess())
    benchmark(lambda: one_more(network))
    once, by_network, by_process = in_turns(
        [lambda: fs.predict(model, sparse, imgsz=1024), lambda: one_more(network), lambda: one_more(process)], 30
    )
    figure(f"{clicks} clicks → mask", by_network * 1e3, "ms", 20)
    figure(f"{clicks} clicks → mask, by the Gaussian process", by_process * 1e3, "ms")
    figure(f"{clicks} clicks → mask, of one pass over 1024²", by_network / once, "×", 0.2)


def test_beside_busy_processes(benchmark, figure, prediction):
    """As many of them as there are cores, as a viewer that draws, a browser and a backup keep them."""
    mask = max(prediction.proposals.instances().masks, key=lambda crop: crop.area)
    inside = np.argwhere(mask.pixels) + np.array([mask.top, mask.left])
    refiner, rng = ClickRefiner(load_corrector()), np.random.default_rng(0)

    def one_more() -> None:
        points = rng.choice(inside, 5, replace=False)
        prediction.select(fs.Prompts(points, [1, 0, 0, 0, 0], [1] * 5), refine=refiner)

    benchmark(one_more)
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        figure("5 clicks → mask, all cores busy", statistics.median(_after_a_pause(one_more) for _ in range(30)), "ms")
    finally:
        for process in busy:
            process.kill()
            process.wait()


def _after_a_pause(run: Callable[[], object]) -> float:
    """Return the milliseconds of a call after a tenth of a second in which the process sleeps, as between clicks."""
    time.sleep(0.1)
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3
