"""Pixels: where they lie, how bright they are shown, and what a person draws on them."""
