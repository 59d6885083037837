"""Planes that take more than one pass: tiles of one, and objects linked through many."""
