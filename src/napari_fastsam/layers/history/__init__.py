"""What the dock did, step by step, and back."""
