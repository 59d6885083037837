"""Prompts on planes of any size, answered with objects."""
