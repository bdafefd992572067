"""Options shared by metrics."""

from mesofuse.interfaces.options import Options


class NoOptions(Options):
    """For a metric that has nothing to choose."""
