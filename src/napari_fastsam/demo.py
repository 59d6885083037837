"""The main job once through, in the real program: a sample, prompts on some nuclei, the objects drawn.

``python -m napari_fastsam.demo``, ``napari-fastsam demo`` and ``make demo`` run this. With a display napari stays
open with everything in place. Without one the same happens on a virtual screen (Xvfb), and a picture of the window
is left behind. The last lines that are printed name the file, the objects found and the times.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fastsam.errors import FastSAMError

if TYPE_CHECKING:
    from napari_fastsam.widgets import FastSAMWidget, RunSummary

PLUGIN = "napari-fastsam"
DEFAULT_PICTURE = Path("napari-fastsam-demo.png")
WINDOW = (1500, 940)
"""Width and height of the window in screen pixels."""

POINTS_YX = ((126, 94), (147, 244), (242, 121), (264, 372), (456, 287), (159, 560))
"""Where the demo clicks: (row, column) in pixels of the fluorescence sample, each on a nucleus of its own."""

BOX_YX = (207.0, 596.0, 257.0, 633.0)
"""What the demo draws a box around: y0, x0, y1, x1 in the sample's data coordinates, around one nucleus more."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return the process's exit status: 0 when objects were found.

    Parameters
    ----------
    arguments
        Those of the command line, without the program's name; None = of this process.
    """
    picture = _parse(arguments).screenshot
    if needs_virtual_screen(sys.platform, os.environ):
        return _run_under_xvfb((picture or DEFAULT_PICTURE).absolute())
    try:
        return _run(picture)
    except FastSAMError as error:
        print(f"The demo cannot run: {error}", file=sys.stderr)
        return 2


def needs_virtual_screen(platform: str, environment: Mapping[str, str]) -> bool:
    """Tell whether a window has no screen to open on.

    Parameters
    ----------
    platform
        As in ``sys.platform``; only Linux has machines without a screen that Xvfb can help.
    environment
        The process's environment variables.
    """
    return platform.startswith("linux") and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def place_prompts(dock: FastSAMWidget) -> None:
    """Make the prompt layers of the dock and put the demo's points and its box into them.

    Parameters
    ----------
    dock
        A dock whose image is the fluorescence sample.

    Raises
    ------
    FastSAMError
        If the dock has no image to make layers for.
    """
    layers = dock.make_prompt_layers()
    if layers is None:
        raise FastSAMError("the dock has no image; open a sample first (File ▸ Open Sample)")
    points, shapes = layers
    points.add(POINTS_YX)
    y0, x0, y1, x1 = BOX_YX
    shapes.add_rectangles([[y0, x0], [y0, x1], [y1, x1], [y1, x0]])


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="napari-fastsam demo",
        description="Opens a sample in napari with the FastSAM dock, places prompts and draws the objects.",
    )
    parser.add_argument(
        "--screenshot",
        type=Path,
        metavar="FILE",
        help="save a picture of the window as FILE and close; without a display this happens anyway, as "
        f"{DEFAULT_PICTURE}",
    )
    return parser.parse_args(arguments)


def _run_under_xvfb(picture: Path) -> int:
    """Replace this process by the same one on a virtual screen; come back only if there is none."""
    if not (shutil.which("xvfb-run") and shutil.which("xauth")):
        print(
            "There is no display to open napari on, and no xvfb-run for a virtual one.\n"
            "On Debian and Ubuntu: sudo apt-get install -y xvfb xauth",
            file=sys.stderr,
        )
        return 1
    screen = "-screen 0 1600x1000x24"
    command = ["xvfb-run", "-a", "-s", screen, sys.executable, "-m", __spec__.name]
    sys.stdout.flush()
    # The environment asks for a screen that is not there where QT_QPA_PLATFORM says offscreen: it has no OpenGL.
    environment = {**os.environ, "QT_QPA_PLATFORM": "xcb"}
    os.execvpe(command[0], [*command, "--screenshot", str(picture)], environment)


def _run(picture: Path | None) -> int:
    """Do the job in a window; keep it open unless a picture of it is all that is wanted."""
    start = time.perf_counter()
    import napari  # seconds: not before the arguments are known to be right

    viewer = napari.Viewer(title="napari-fastsam demo")
    viewer.window.resize(*WINDOW)
    viewer.open_sample(PLUGIN, "fluorescence_nuclei")
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "FastSAM")
    opened = time.perf_counter() - start
    _settle(0.5)
    viewer.reset_view()  # the dock has taken some of the canvas

    dock.task.value = "prompts"
    place_prompts(dock)
    first, again = dock.run(wait=True), dock.run(wait=True)
    if first is None or again is None:
        raise FastSAMError(f"the dock did not run: {dock.status.value}")

    if picture is None:
        print("napari stays open: move a prompt or a slider, then Add to labels. Close the window to end.")
    else:
        _settle(0.5)
        picture.parent.mkdir(parents=True, exist_ok=True)
        viewer.window.screenshot(str(picture), flash=False, canvas_only=False)
    _report(first, again, opened, picture)

    if picture is None:
        napari.run()
    else:
        viewer.close()
    return 0 if first.found else 1


def _settle(seconds: float) -> None:
    """Let layout and canvas do their work, which waits for timers of their own."""
    from qtpy.QtWidgets import QApplication

    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        QApplication.processEvents()
        time.sleep(0.02)


def _report(first: RunSummary, again: RunSummary, opened: float, picture: Path | None) -> None:
    """Print what was found and how long it took; the lines that others read come last."""
    for line in first.unanswered if first.found else (first.message, *first.unanswered):
        print(line)
    if picture is not None:
        print(f"Screenshot: {picture.absolute()}")
    print(f"Objects found: {first.found} (prompts: {len(POINTS_YX)} points, 1 box)")
    stages = ", ".join(f"{stage} {seconds:.3f} s" for stage, seconds in first.seconds.items())
    once_more = sum(again.seconds.values())
    print(f"Times: napari with the dock {opened:.1f} s; {stages}; the same prompts again {once_more:.3f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
