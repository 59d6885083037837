"""Which pixels the viewer shows of an image, and where they lie in the world."""
