"""A 3D U-Net, a PatchGAN and the hinge loss, as parts of a mesofuse recipe."""
