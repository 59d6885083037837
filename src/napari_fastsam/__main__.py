"""``python -m napari_fastsam``: the command line."""

from napari_fastsam.cli import app

app(prog_name="napari-fastsam")
