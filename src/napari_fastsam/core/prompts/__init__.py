"""Prompts, and the rules of stage two by which they choose objects."""
