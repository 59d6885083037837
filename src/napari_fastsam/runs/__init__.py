"""A recipe on many images: what a worker does with each, and the run as a whole."""
