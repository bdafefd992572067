"""What this distribution supplies, as strings: importing this module imports no torch."""

from mesofuse.interfaces.component import ComponentSpec
from mesofuse.interfaces.hookimpl import hookimpl

MESOFUSE_API = 1


@hookimpl
def mesofuse_components() -> list[ComponentSpec]:
    """Describe the components."""
    return [
        ComponentSpec(
            kind="generator",
            name="two-layer",
            summary="Two convolutions with a plain up-sampling between them.",
            target="minimal_plugin.two_layer:TwoLayer",
            options="minimal_plugin.options:TwoLayerOptions",
        ),
        ComponentSpec(
            kind="degradation",
            name="thick-slices",
            summary="Mean over each scan voxel, with a share of the slices above and below it.",
            target="minimal_plugin.thick_slices:ThickSlices",
            options="minimal_plugin.options:ThickSlicesOptions",
        ),
    ]
