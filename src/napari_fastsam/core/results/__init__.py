"""What was found on an image, as one value: objects, label image, axes, and how all of it came about."""
