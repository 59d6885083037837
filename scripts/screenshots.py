"""Make the pictures of the README and the documentation from the running program.

    make screenshots                             all of them, on a virtual screen
    scripts/screenshots.py stack everything      only these

Each scene opens napari, uses the dock as a person would, and saves what the window shows into docs/images/.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from picturing import (
    IMAGES,
    Film,
    answered,
    beside,
    canvas,
    click,
    drag,
    look_at,
    opened,
    press,
    save,
    save_dock,
    save_window,
    settle,
)

TRUTH = IMAGES.parent.parent / "tests" / "data" / "samples" / "fluorescence_nuclei_labels.png"
LABELLED = IMAGES.parent.parent / "tests" / "data" / "dsb2018"
TOUR = 0.7
"""Six pictures stand side by side: this much of the window's size."""

CLICKS_YX = ((147, 244), (253, 203), (211, 270), (270, 328), (204, 384), (176, 327), (333, 365), (420, 314))
"""Where the first picture clicks: (row, column) in the fluorescence sample, each on a nucleus of its own."""

BOX_YX = ((397, 355), (397, 396), (431, 396), (431, 355))
OUTLINE_YX = ((303, 309), (307, 318), (320, 321), (334, 317), (340, 309), (334, 302), (318, 299), (307, 302))
SCRIBBLE_YX = ((303, 177), (317, 174), (328, 173))
BACKGROUND_YX = (225, 330)
TOUCHING_YX = (117, 80)
"""In the tissue sample, on one of two nuclei that touch."""


def prompts() -> None:
    """Put points, a box, an outline and a scribble on fluorescent nuclei, and show what they mean."""
    with opened("fluorescence_nuclei") as (viewer, dock):
        look_at(viewer, (275, 297), 1.9)
        points, shapes = dock.make_prompt_layers()
        points.add(CLICKS_YX)
        shapes.edge_width = 2
        shapes.add_rectangles(np.array(BOX_YX))
        shapes.add_polygons(np.array(OUTLINE_YX))
        shapes.add_paths(np.array(SCRIBBLE_YX))
        dock.run(wait=True)
        points.selected_data = set()
        save_window(viewer, "prompts")
        points.add(BACKGROUND_YX)
        dock.run(wait=True)
        save_dock(dock, "dock-answered")


def everything() -> None:
    """Find all objects of stained tissue at once."""
    with opened("stained_tissue") as (viewer, dock):
        look_at(viewer, (128, 160), 2.0)
        dock.task.value = "everything"
        dock.run(wait=True)
        save_window(viewer, "everything")


def empty() -> None:
    """Show the dock before there is an image."""
    with opened(None) as (_, dock):
        save_dock(dock, "dock-empty")


def stack() -> None:
    """Link the objects of all planes of a stack, and accept them."""
    with opened("nuclei_3d") as (viewer, dock):
        viewer.dims.set_current_step(0, 20)
        look_at(viewer, (15, 30, 28), 10)
        dock.task.value, dock.region.value = "everything", "stack"
        dock.run(wait=True)
        dock.commit()
        save_window(viewer, "stack")


def larger() -> None:
    """Click once, take the smaller object, then the larger one again."""
    with opened("stained_tissue") as (viewer, dock):
        look_at(viewer, (117, 84), 10)
        points, _ = dock.make_prompt_layers()
        points.add(TOUCHING_YX)
        dock.run(wait=True)
        # not before: with the model come the thresholds of its card
        dock.conf.value = 0.25
        dock.run(wait=True)
        points.selected_data = set()
        dock.smaller()
        before = canvas(viewer)
        dock.larger()
        save(beside(before, canvas(viewer)), "larger")


def negative() -> None:
    """Click once, then say with a negative point what is not meant."""
    with opened("stained_tissue") as (viewer, dock):
        look_at(viewer, (117, 84), 10)
        points, _ = dock.make_prompt_layers()
        points.add(TOUCHING_YX)
        dock.run(wait=True)
        points.selected_data = set()
        before = canvas(viewer)
        dock.toggle_polarity()
        points.add((119, 88))
        dock.run(wait=True)
        points.selected_data = set()
        save(beside(before, canvas(viewer)), "negative")


def compare() -> None:
    """Judge what the bundled model finds against the nuclei as drawn by hand, and go to one that was missed."""
    with opened("fluorescence_nuclei") as (viewer, dock):
        dock.task.value = "everything"
        dock.run(wait=True)
        segmentation = dock.commit()
        viewer.window.remove_dock_widget(dock.native)
        segmentation.name = "nuclei, as found"
        viewer.add_labels(iio.imread(TRUTH).astype(np.int32), name="nuclei, ground truth")
        _, judge = viewer.window.add_plugin_dock_widget("napari-fastsam", "Compare")
        settle(0.5)
        look_at(viewer, (275, 297), 1.9)
        judge.threshold.value = 0.75
        judge.view.table.selectRow(1)
        look_at(viewer, (275, 297), 1.9)
        save_window(viewer, "compare")


def train() -> None:
    """Train on three labelled images, and look when a few epochs are done."""
    with tempfile.TemporaryDirectory() as models, opened(None) as (viewer, fastsam):
        os.environ["NAPARI_FASTSAM_MODELS"] = models
        viewer.window.remove_dock_widget(fastsam.native)
        _, dock = viewer.window.add_plugin_dock_widget("napari-fastsam", "Train")
        for name in ("tissue", "dense", "wide"):
            dock.image.value = viewer.add_image(iio.imread(LABELLED / f"{name}.png"), name=name)
            drawn = iio.imread(LABELLED / f"{name}_labels.png").astype(np.int32)
            dock.truth.value = viewer.add_labels(drawn, name=f"{name}, by hand")
            dock.add_pair()
        for layer in list(viewer.layers)[:-2]:
            layer.visible = False
        viewer.reset_view()
        dock.model_name.value = "my nuclei"
        dock.advanced.epochs.value, dock.advanced.imgsz.value = 12, 96
        dock.train()
        while dock.busy and len(dock.run_view.ap.series[:1] and dock.run_view.ap.series[0].points) < 8:
            settle(0.5)
        save_window(viewer, "train")
        while dock.busy:  # and away with it, whatever its state
            dock.train()
            settle(2.0)


def tour() -> None:
    """Go from an image to labels in six pictures."""
    with opened("fluorescence_nuclei") as (viewer, dock):
        look_at(viewer, (275, 297), 1.9)
        save_window(viewer, "tour-1-open", TOUR)
        click(viewer, CLICKS_YX[0])
        answered(dock)
        for place in CLICKS_YX[1:4]:
            click(viewer, place)
        save_window(viewer, "tour-2-click", TOUR)
        look_at(viewer, (318, 309), 7)
        dock.take_outline()
        drag(viewer, (*OUTLINE_YX, OUTLINE_YX[0]))
        save_window(viewer, "tour-3-draw", TOUR)
        look_at(viewer, (275, 297), 1.9)
        press(dock.task.buttons["everything"])
        answered(dock)
        save_window(viewer, "tour-4-everything", TOUR)
        press(dock.actions.add)
        save_window(viewer, "tour-5-add", TOUR)
        dock.task.value = "prompts"
        dock.toggle_example()
        dock.points.value.add([CLICKS_YX[0]])
        dock.run(wait=True)
        save_window(viewer, "tour-6-similar", TOUR)


def animation() -> None:
    """Click, correct, add: as it happens, in a picture that moves."""
    with opened("stained_tissue") as (viewer, dock):
        film = Film(viewer)
        look_at(viewer, (117, 84), 7)
        film.take(1200)
        click(viewer, TOUCHING_YX, film)
        answered(dock)
        film.take(1500)
        press(dock.next_point.object.buttons["this"], film)
        press(dock.next_point.polarity.buttons["negative"], film)
        click(viewer, (119, 88), film)
        answered(dock)
        film.take(1500)
        press(dock.actions.add, film)
        film.take(2000)
        film.save("animation")


SCENES: dict[str, Callable[[], None]] = {
    scene.__name__: scene
    for scene in (empty, prompts, everything, stack, larger, negative, compare, train, tour, animation)
}


def main() -> None:
    """Make the scenes that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"of {', '.join(SCENES)}; none = all")
    chosen = parser.parse_args().scenes or list(SCENES)
    unknown = sorted(set(chosen) - set(SCENES))
    if unknown:
        sys.exit(f"There is no scene {', '.join(unknown)}; there are {', '.join(SCENES)}")
    if len(chosen) == 1:
        SCENES[chosen[0]]()
        return
    with tempfile.TemporaryDirectory() as folder:
        # napari as it comes, not as whoever runs this has set it up; a process each, so that scenes are independent
        environment = {**os.environ, "NAPARI_CONFIG": str(Path(folder) / "settings.yaml")}
        for name in chosen:
            subprocess.run([sys.executable, __file__, name], env=environment, check=True)


if __name__ == "__main__":
    main()
