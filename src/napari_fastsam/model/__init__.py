"""The network: its files, one pass over a plane, and the prompts that need another pass. No napari, no Qt."""
