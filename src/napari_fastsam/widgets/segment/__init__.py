"""The dock *FastSAM*."""
