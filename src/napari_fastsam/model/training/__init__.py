"""From annotated images to a model of one's own."""
