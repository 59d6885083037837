"""Programs of others that come with this one, unchanged; LICENSES/README.md says whose they are."""
