"""Files of labels as layers, and layers as files: what napari asks a plugin for."""
