"""JSON files that a user was given: see `napari_fastsam.files`, which also serves the model packages."""

from napari_fastsam.files import MAX_BYTES, read_json

__all__ = ["MAX_BYTES", "read_json"]
