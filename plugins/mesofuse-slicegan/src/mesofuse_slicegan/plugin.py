"""What this distribution supplies, as strings: importing this module imports no torch."""

from mesofuse.interfaces.component import ComponentSpec
from mesofuse.interfaces.hookimpl import hookimpl

MESOFUSE_API = 1

CITATION = """@article{kench2021generating,
  title = {Generating three-dimensional structures from a two-dimensional slice with generative adversarial
           network-based dimensionality expansion},
  author = {Kench, Steve and Cooper, Samuel J.},
  journal = {Nature Machine Intelligence},
  volume = {3},
  pages = {299--305},
  year = {2021},
  doi = {10.1038/s42256-021-00322-1}
}"""


@hookimpl
def mesofuse_components() -> list[ComponentSpec]:
    """Describe the components."""
    return [
        ComponentSpec(
            kind="method",
            name="slicegan",
            summary="SliceGAN: a volume from the image alone, by a 3D generator whose slices 2D critics judge.",
            target="mesofuse_slicegan.method:SliceGAN",
            options="mesofuse_slicegan.options:SliceGANOptions",
            citation=CITATION,
        ),
        ComponentSpec(
            kind="generator",
            name="slicegan",
            summary="The generator of SliceGAN: transposed convolutions from noise; takes no scan.",
            target="mesofuse_slicegan.generator:TransposedGenerator",
            options="mesofuse_slicegan.options:GeneratorOptions",
            citation=CITATION,
        ),
        ComponentSpec(
            kind="generator",
            name="slicegan-resize",
            summary="The generator of SliceGAN with a resize-convolution at the end; takes no scan.",
            target="mesofuse_slicegan.generator:ResizeGenerator",
            options="mesofuse_slicegan.options:GeneratorOptions",
            citation=CITATION,
        ),
        ComponentSpec(
            kind="generator",
            name="slicegan-slim",
            summary="A small generator with fresh noise at every stage, trained on a CPU in minutes; takes no scan.",
            target="mesofuse_slicegan.slim_generator:SlimGenerator",
            options="mesofuse_slicegan.options:SlimGeneratorOptions",
        ),
        ComponentSpec(
            kind="critic",
            name="slicegan",
            summary="The critic of SliceGAN, for slices of 64².",
            target="mesofuse_slicegan.critic:SliceCritic",
            options="mesofuse_slicegan.options:CriticOptions",
            citation=CITATION,
        ),
    ]
