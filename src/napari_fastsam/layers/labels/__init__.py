"""Results in layers: the preview, Labels layers that take them, tracks."""
