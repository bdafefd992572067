"""What this distribution supplies, as strings: importing this module imports no torch."""

from mesofuse.interfaces.component import ComponentSpec
from mesofuse.interfaces.hookimpl import hookimpl

MESOFUSE_API = 1

ARMSTRONG = """@book{armstrong2011plurigaussian,
  title = {Plurigaussian Simulations in Geosciences},
  author = {Armstrong, Margaret and Galli, Alain and Beucher, H{\\'e}l{\\`e}ne and Le Loc'h, Ga{\\"e}lle and Renard,
            Didier and Doligez, Brigitte and Eschard, R{\\'e}mi and Geffroy, Fran{\\c c}ois},
  publisher = {Springer},
  year = {2011},
  doi = {10.1007/978-3-642-19607-2}
}"""

SEIBERT = """@article{seibert2022descriptor,
  title = {Descriptor-based reconstruction of three-dimensional microstructures through gradient-based optimization},
  author = {Seibert, Paul and Ra{\\ss}loff, Alexander and Kalina, Karl and Ambati, Marreddy and K{\\"a}stner, Markus},
  journal = {Acta Materialia},
  volume = {227},
  pages = {117667},
  year = {2022},
  doi = {10.1016/j.actamat.2022.117667}
}"""


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
        ComponentSpec(
            kind="method",
            name="plurigaussian",
            summary="Truncated Gaussian fields with the image's two-point statistics, thresholds after the scan.",
            target="mesofuse_statistical.plurigaussian:Plurigaussian",
            options="mesofuse_statistical.options:PlurigaussianOptions",
            citation=ARMSTRONG,
        ),
        ComponentSpec(
            kind="method",
            name="descriptors",
            summary="Descent on the volume until its planes have the image's two-point functions, patterns, patches.",
            target="mesofuse_statistical.descriptors:Descriptors",
            options="mesofuse_statistical.options:DescriptorsOptions",
            citation=SEIBERT,
        ),
    ]
