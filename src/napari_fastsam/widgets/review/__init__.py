"""The dock *Review*."""
