"""Objects of a plane: what the network proposed, masks, suppression, painting, measurements, looks."""
