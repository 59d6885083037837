"""A mask and clicks to the mask that is meant: the parts that need no network."""
