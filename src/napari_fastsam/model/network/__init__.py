"""From a file to the proposals of a plane."""
