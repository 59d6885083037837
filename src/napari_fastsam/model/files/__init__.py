"""Files of strangers: read without running anything of them."""
