"""Files in and out, without napari and without Qt."""
