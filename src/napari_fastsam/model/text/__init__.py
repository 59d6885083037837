"""CLIP: pictures of objects and words, brought into one space."""
