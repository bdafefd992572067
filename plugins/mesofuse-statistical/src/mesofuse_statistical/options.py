"""Options of this distribution's components; torch-free."""

from mesofuse.interfaces.options import Options


class InterpolationOptions(Options):
    """`interpolation` has no options."""
