"""What this distribution supplies, as strings: importing this module imports no torch."""

from mesofuse.interfaces.component import ComponentSpec
from mesofuse.interfaces.hookimpl import hookimpl

MESOFUSE_API = 1

CITATION = """@article{dahari2023fusion,
  title = {Fusion of Complementary {2D} and {3D} Mesostructural Datasets Using Generative Adversarial Networks},
  author = {Dahari, Amir and Kench, Steve and Squires, Isaac and Cooper, Samuel J.},
  journal = {Advanced Energy Materials},
  volume = {13},
  year = {2023},
  doi = {10.1002/aenm.202202407}
}"""


@hookimpl
def mesofuse_components() -> list[ComponentSpec]:
    """Describe the components."""
    return [
        ComponentSpec(
            kind="method",
            name="superres",
            summary="SuperRes GAN: a conditional 3D generator trained by 2D critics and a voxel-wise loss.",
            target="mesofuse_superres.method:SuperRes",
            options="mesofuse_superres.options:SuperResOptions",
            citation=CITATION,
        ),
        ComponentSpec(
            kind="generator",
            name="superres",
            summary="The generator of SuperRes as published: residual block, transposed and resize-convolution.",
            target="mesofuse_superres.paper_generator:PaperGenerator",
            options="mesofuse_superres.options:PaperGeneratorOptions",
            citation=CITATION,
        ),
        ComponentSpec(
            kind="generator",
            name="superres-slim",
            summary="A small generator with fresh noise at every stage, trained on a CPU in minutes.",
            target="mesofuse_superres.slim_generator:SlimGenerator",
            options="mesofuse_superres.options:SlimGeneratorOptions",
        ),
        ComponentSpec(
            kind="generator",
            name="superres-fine",
            summary="A small generator that works longest on the finest grid, where texture is decided.",
            target="mesofuse_superres.fine_generator:FineGenerator",
            options="mesofuse_superres.options:FineGeneratorOptions",
        ),
        ComponentSpec(
            kind="critic",
            name="superres",
            summary="The critic of SuperRes as published, for slices of 56² (or 120², or 32²).",
            target="mesofuse_superres.paper_critic:PaperCritic",
            options="mesofuse_superres.options:PaperCriticOptions",
            citation=CITATION,
        ),
        ComponentSpec(
            kind="critic",
            name="superres-slim",
            summary="A small critic for slices of 32².",
            target="mesofuse_superres.slim_critic:SlimCritic",
            options="mesofuse_superres.options:SlimCriticOptions",
        ),
        ComponentSpec(
            kind="critic",
            name="multi-scale",
            summary="Slim critics on slices of 64² and on their means over 2².",
            target="mesofuse_superres.multi_scale_critic:MultiScaleCritic",
            options="mesofuse_superres.options:MultiScaleCriticOptions",
        ),
    ]
