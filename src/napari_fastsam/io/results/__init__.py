"""What was found, out."""
