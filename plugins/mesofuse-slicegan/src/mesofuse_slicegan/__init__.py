"""SliceGAN of Kench and Cooper (2021) for mesofuse: a volume from a 2D image alone."""
