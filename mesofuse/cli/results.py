"""What the long commands print at their end."""

from __future__ import annotations

from mesofuse.interfaces.metric import Measured


def print_against_image(measured: Measured, image: Measured) -> None:
    """Print the values of a result next to the image's."""
    from mesofuse.console.tables import print_table
    from mesofuse.evaluation.result_table import ResultTable

    print_table(ResultTable([image, measured], image))
