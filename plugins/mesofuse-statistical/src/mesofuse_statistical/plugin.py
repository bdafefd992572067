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

YEONG = """@article{yeong1998reconstructing,
  title = {Reconstructing random media},
  author = {Yeong, C. L. Y. and Torquato, S.},
  journal = {Physical Review E},
  volume = {57},
  number = {1},
  pages = {495--506},
  year = {1998},
  doi = {10.1103/PhysRevE.57.495}
}"""

FULLWOOD = """@article{fullwood2008microstructure,
  title = {Microstructure reconstructions from 2-point statistics using phase-recovery algorithms},
  author = {Fullwood, David T. and Niezgoda, Stephen R. and Kalidindi, Surya R.},
  journal = {Acta Materialia},
  volume = {56},
  number = {5},
  pages = {942--948},
  year = {2008},
  doi = {10.1016/j.actamat.2007.10.044}
}"""

SEIBERT = """@article{seibert2022mcrpy,
  title = {Microstructure Characterization and Reconstruction in {Python}: {MCRpy}},
  author = {Seibert, Paul and Ra{\\ss}loff, Alexander and Kalina, Karl and Ambati, Marreddy and K{\\"a}stner, Markus},
  journal = {Integrating Materials and Manufacturing Innovation},
  volume = {11},
  pages = {450--466},
  year = {2022},
  doi = {10.1007/s40192-022-00273-4}
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
            name="annealing",
            summary="Simulated annealing to the image's correlations, lineal paths and patterns, with the scan kept.",
            target="mesofuse_statistical.annealing:Annealing",
            options="mesofuse_statistical.options:AnnealingOptions",
            citation=YEONG,
        ),
        ComponentSpec(
            kind="method",
            name="phase-retrieval",
            summary="The images' two-point statistics in all directions, by alternating projections with the scan's.",
            target="mesofuse_statistical.phase_retrieval:PhaseRetrieval",
            options="mesofuse_statistical.options:PhaseRetrievalOptions",
            citation=FULLWOOD,
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
