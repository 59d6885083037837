"""A recipe on a thousand images: time beside one process, and a run that is killed in the middle and started again.

    python benchmarks/many_images.py [--images 1000] [--workers 2]

Writes pieces of the sample, 160 × 200 pixels each, into a temporary folder and runs `napari-fastsam run` on them: once
as it is, and once with a kill of all its processes when half of the results are there. Prints a table for the
documentation.
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import psutil

import napari_fastsam as fs
from napari_fastsam.core.recipe import Parameters, Recipe
from napari_fastsam.io.recipes import save_recipe
from napari_fastsam.samples import fluorescence_nuclei

SIZE = (160, 200)


def write_images(folder: Path, count: int) -> None:
    picture = np.pad(fluorescence_nuclei()[0][0], [(0, SIZE[0]), (0, SIZE[1])], mode="wrap")
    rng = np.random.default_rng(0)
    for i in range(count):
        y, x = rng.integers(0, 520), rng.integers(0, 696)
        iio.imwrite(folder / f"image{i:04}.png", picture[y : y + SIZE[0], x : x + SIZE[1]])


def start(recipe: Path, images: Path, out: Path, workers: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "napari_fastsam", "run", recipe, images, "-o", out, "--workers", str(workers)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )


def memory_of(process: subprocess.Popen[str], peak: list[float]) -> None:
    """Keep the most that any of its processes has, in MB."""
    while process.poll() is None:
        try:
            every = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
            peak[0] = max(peak[0], *(psutil.Process(pid).memory_info().rss / 1e6 for pid in every))
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.5)


def finish(process: subprocess.Popen[str]) -> tuple[str, float, float]:
    """Wait for a run: its last line, how long it took, and the most memory that one of its processes had."""
    begin, peak = time.perf_counter(), [0.0]
    watch = threading.Thread(target=memory_of, args=(process, peak))
    watch.start()
    out, _ = process.communicate()
    watch.join()
    return out.strip().splitlines()[-1].partition(";")[0], time.perf_counter() - begin, peak[0]


def main() -> None:
    """Write, run, kill, run again, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        images, recipe = folder / "images", folder / "recipe.json"
        images.mkdir()
        write_images(images, asked.images)
        save_recipe(Recipe(parameters=Parameters(contrast_limits=(0.0, 80.0))), recipe)
        model = fs.load_model(device="cpu")
        some = sorted(images.iterdir())[:50]
        begin = time.perf_counter()
        for path in some:
            model.segment(iio.imread(path), contrast_limits=(0, 80)).to_labels()
        alone = (time.perf_counter() - begin) / len(some)

        said, seconds, peak = finish(start(recipe, images, folder / "whole", asked.workers))
        with (folder / "whole" / "report.csv").open() as file:
            objects = sum(int(row["objects"]) for row in csv.DictReader(file))
        per_image = seconds / asked.images / alone
        print("| run | said | seconds | an image, beside one process alone | most memory of a process |")
        print("|---|---|---|---|---|")
        print(f"| as it is | {said}; {objects} objects | {seconds:.0f} | {per_image:.2f} × | {peak:.0f} MB |")

        process = start(recipe, images, folder / "killed", asked.workers)
        while len(list((folder / "killed").glob("*_labels.tif"))) < asked.images // 2:
            time.sleep(0.2)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        said, seconds, peak = finish(start(recipe, images, folder / "killed", asked.workers))
        print(f"| again after a kill -9 | {said} | {seconds:.0f} | | {peak:.0f} MB |")
        for path in (folder / "whole").glob("*_labels.tif"):
            if path.read_bytes() != (folder / "killed" / path.name).read_bytes():
                raise SystemExit(f"{path.name} differs")


if __name__ == "__main__":
    main()
