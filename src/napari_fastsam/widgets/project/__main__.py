"""napari with the docks *FastSAM* and *Annotate a folder*, on a folder: what ``napari-fastsam annotate`` starts."""

from __future__ import annotations

import sys
from collections.abc import Sequence

PLUGIN = "napari-fastsam"


def main(arguments: Sequence[str]) -> None:
    """Open the window, and stay until it is closed.

    Parameters
    ----------
    arguments
        The folder.
    """
    import napari

    viewer = napari.Viewer()
    viewer.window.add_plugin_dock_widget(PLUGIN, "FastSAM")
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Annotate a folder")
    dock.open_folder(arguments[0])
    napari.run()


if __name__ == "__main__":
    main(sys.argv[1:])
