"""Objects found by words or by examples."""
