"""Open napari with the dock, click and box objects from code, and add them to a Labels layer.

python examples/dock_from_code.py [--close]
"""

import sys

import napari

from napari_fastsam.widgets import FastSAMWidget

viewer = napari.Viewer()
viewer.open_sample("napari-fastsam", "fluorescence_nuclei")
dock = FastSAMWidget(viewer)
viewer.window.add_dock_widget(dock, name="FastSAM")
points, shapes = dock.make_prompt_layers()
points.add([[126, 94], [147, 244]])
shapes.add_rectangles([[207, 596], [257, 633]])
print(dock.run(wait=True))
print(f"added to {dock.commit().name}")
if "--close" in sys.argv:
    viewer.close()
else:
    napari.run()
