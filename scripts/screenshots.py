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
    move_mouse,
    on_canvas,
    opened,
    press,
    save,
    save_dock,
    save_window,
    settle,
    wait_for,
)

TRUTH = IMAGES.parent.parent / "tests" / "data" / "samples" / "fluorescence_nuclei_labels.png"
LABELLED = IMAGES.parent.parent / "tests" / "data" / "dsb2018"
_ONE = "NAPARI_FASTSAM_SCENE"
"""Set in the process of one scene to its name."""

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

HOVERED_YX = ((91, 77), (138, 107))
"""In the tissue sample, where the mouse rests after that."""


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


def review() -> None:
    """Go through labels in which one is wrong, and come to the doubtful one."""
    with opened("fluorescence_nuclei") as (viewer, fastsam):
        viewer.window.remove_dock_widget(fastsam.native)
        labels = iio.imread(TRUTH).astype(np.int32)
        labels[labels == 20] = 21  # two that touch are one
        nuclei = viewer.add_labels(labels, name="nuclei")
        nuclei.contour = 2
        viewer.layers.selection.active = nuclei
        _, dock = viewer.window.add_plugin_dock_widget("napari-fastsam", "Review")
        wait_for(lambda: dock.review is not None and dock.current is not None)
        for _ in range(12):
            settle(0.1)
            (dock.wrong if dock.current.label == 21 else dock.right)()
        save_window(viewer, "review")


def classes() -> None:
    """Give three large and three small nuclei their class, and have the others guessed."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    with opened("fluorescence_nuclei") as (viewer, fastsam):
        viewer.window.remove_dock_widget(fastsam.native)
        labels = iio.imread(TRUTH).astype(np.int32)
        nuclei = viewer.add_labels(labels, name="nuclei")
        viewer.layers.selection.active = nuclei
        _, dock = viewer.window.add_plugin_dock_widget("napari-fastsam", "Classes")
        look_at(viewer, (256, 256), 1.7)
        for name in ("large", "small"):
            dock.add_class(name)
        by_area = sorted(objects_of(labels), key=lambda found: found[1])
        for place, key in [(yx, Qt.Key.Key_2) for yx, _ in by_area[8:11]] + [
            (yx, Qt.Key.Key_1) for yx, _ in by_area[-3:]
        ]:
            canvas, at = on_canvas(viewer, place)
            move_mouse(canvas, at)
            QTest.keyClick(canvas, key)
            settle(0.1)
        dock.guess_others()
        wait_for(lambda: not dock.guess._runner.busy)  # noqa: SLF001 - nobody else tells
        dock.ask_me()
        look_at(viewer, (256, 256), 1.7)
        save_window(viewer, "classes")


def project() -> None:
    """Annotate a folder: the second of four images, with the dock FastSAM behind a tab."""
    with tempfile.TemporaryDirectory() as folder, opened(None) as (viewer, fastsam):
        for name in ("tissue", "dense", "wide", "sparse"):
            iio.imwrite(Path(folder) / f"{name}.tif", iio.imread(LABELLED / f"{name}.png"))
        _, dock = viewer.window.add_plugin_dock_widget("napari-fastsam", "Annotate a folder")
        settle(0.5)
        dock.open_folder(folder)
        for last in (False, True):
            settle(1.0)
            viewer.reset_view()
            fastsam.task.value = "everything"
            answered(fastsam)
            press(fastsam.actions.add)
            if not last:
                dock.done()
        dock.note.value = "two nuclei out of focus"
        dock.note.native.editingFinished.emit()
        viewer.reset_view()
        settle(1.5)
        save_window(viewer, "project")


def objects_of(labels: np.ndarray) -> list[tuple[tuple[float, float], int]]:
    """Return a place on each label, in its middle or near it, and its area."""
    found = []
    for label in np.unique(labels)[1:]:
        places = np.argwhere(labels == label)
        away = np.hypot(*(places - places.mean(axis=0)).T)
        y, x = places[np.argmin(away)]
        found.append(((float(y), float(x)), len(places)))
    return found


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
    """Click, correct, point at another, add: as it happens, in a picture that moves."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

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
        press(dock.next_point.polarity.buttons["positive"])
        press(dock.next_point.object.buttons["new"], film)
        for place in HOVERED_YX:
            native, at = on_canvas(viewer, place)
            move_mouse(native, at)
            settle(0.3)
            film.take(900, native.mapToGlobal(at))
        QTest.keyClick(native, Qt.Key.Key_Z, Qt.KeyboardModifier.ShiftModifier)
        answered(dock)
        film.take(1200)
        press(dock.actions.add, film)
        film.take(2000)
        film.save("animation")


SCENES: dict[str, Callable[[], None]] = {
    scene.__name__: scene
    for scene in (
        empty,
        prompts,
        everything,
        stack,
        larger,
        negative,
        compare,
        train,
        review,
        classes,
        project,
        tour,
        animation,
    )
}


def main() -> None:
    """Make the scenes that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"of {', '.join(SCENES)}; none = all")
    chosen = parser.parse_args().scenes or list(SCENES)
    unknown = sorted(set(chosen) - set(SCENES))
    if unknown:
        sys.exit(f"There is no scene {', '.join(unknown)}; there are {', '.join(SCENES)}")
    if os.environ.get(_ONE) == chosen[0]:
        SCENES[chosen[0]]()
        return
    for name in chosen:  # a process each, so that scenes are independent
        with tempfile.TemporaryDirectory() as folder:
            # napari as it comes, not as whoever runs this has set it up, and nothing left of other sessions to restore
            own = {"NAPARI_CONFIG": str(Path(folder) / "settings.yaml"), "NAPARI_FASTSAM_DATA": folder, _ONE: name}
            subprocess.run([sys.executable, __file__, name], env={**os.environ, **own}, check=True)


if __name__ == "__main__":
    main()
