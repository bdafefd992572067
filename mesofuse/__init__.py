"""mesofuse: one volume with the detail of a sharp 2D micrograph and the extent of a blurry 3D scan."""

__version__ = "0.1.0"
