"""Objects against the truth: scores, and which matched."""
