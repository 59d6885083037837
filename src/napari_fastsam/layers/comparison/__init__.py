"""Two Labels layers compared."""
