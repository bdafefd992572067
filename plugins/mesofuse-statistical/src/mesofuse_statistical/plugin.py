"""What this distribution supplies, as strings: importing this module imports no torch."""

from mesofuse.interfaces.component import ComponentSpec
from mesofuse.interfaces.hookimpl import hookimpl

MESOFUSE_API = 1


@hookimpl
def mesofuse_components() -> list[ComponentSpec]:
    """Describe the components."""
    return [
        ComponentSpec(
            kind="method",
            name="interpolation",
            summary="Trilinear interpolation of the scan's phases: the plain rival, which adds no detail.",
            target="mesofuse_statistical.interpolation:Interpolation",
            options="mesofuse_statistical.options:InterpolationOptions",
        ),
    ]
