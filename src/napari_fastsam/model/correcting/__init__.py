"""A mask and clicks to the mask that is meant."""
