"""Reconstruction without a network for mesofuse: the plain rivals."""
