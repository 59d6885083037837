"""Annotations kept while one works: what changes in layers becomes steps of a journal."""
