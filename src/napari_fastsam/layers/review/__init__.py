"""The review of a Labels layer: what was answered, kept with it, and what comes next."""
