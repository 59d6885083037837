"""From a frozen request to results, and what is kept on the way."""
