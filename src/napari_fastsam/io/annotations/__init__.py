"""Annotated images in and out."""
