"""The parts of the dock *FastSAM*: each has its controls, and tells when they are used."""
