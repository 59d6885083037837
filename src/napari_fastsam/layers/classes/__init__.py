"""Classes of the objects of a Labels layer."""
