"""From a checkpoint to a file that another runtime runs."""
