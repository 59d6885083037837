"""Training of the correcting network: windows, first masks and clicks are made on the device, from label images."""
