"""Campaigns: what is done to the program thousands of times over, at random, and what must hold each time."""
