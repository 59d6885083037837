"""From layers to annotated planes to train on."""
