"""Classes of objects: their list, and a classifier that learns them from a few."""
