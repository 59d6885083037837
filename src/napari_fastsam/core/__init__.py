"""What the program knows, as values and pure functions on numpy arrays. No torch, no napari, no Qt."""
