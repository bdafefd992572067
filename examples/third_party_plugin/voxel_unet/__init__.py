"""A 3D U-Net, a PatchGAN and a least-squares loss, as parts of a mesofuse recipe."""
