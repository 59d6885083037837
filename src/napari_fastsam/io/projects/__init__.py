"""Folders of images that are annotated: what is known of each image, as plain files beside them."""
