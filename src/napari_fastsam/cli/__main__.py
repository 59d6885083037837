"""``python -m napari_fastsam.cli``."""

from napari_fastsam.cli import app

app(prog_name="napari-fastsam")
