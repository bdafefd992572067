"""What the long commands print at their end."""

from __future__ import annotations

from mesofuse.interfaces.metric import Measured


def print_against_image(measured: Measured, image: Measured) -> None:
    """Print the values of a result beside the image's."""
    from mesofuse.cli.measure_table import print_table
    from mesofuse.evaluation.compare import table

    columns = [image, measured]
    print_table(table(columns, image), columns, image)
