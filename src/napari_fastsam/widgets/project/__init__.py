"""The dock *Annotate a folder*: from image to image, nothing lost."""
