"""Pixels in."""
