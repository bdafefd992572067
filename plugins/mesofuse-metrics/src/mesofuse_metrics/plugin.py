"""What this distribution supplies, as strings: importing this module imports no torch."""

from mesofuse.interfaces.component import ComponentSpec
from mesofuse.interfaces.hookimpl import hookimpl

MESOFUSE_API = 1

_SUPERRES = """@article{dahari2023fusion,
  title = {Fusion of Complementary {2D} and {3D} Mesostructural Datasets Using Generative Adversarial Networks},
  author = {Dahari, Amir and Kench, Steve and Squires, Isaac and Cooper, Samuel J.},
  journal = {Advanced Energy Materials},
  volume = {13},
  year = {2023},
  doi = {10.1002/aenm.202202407}
}"""

_TAUFACTOR = """@article{kench2023taufactor,
  title = {TauFactor 2: A GPU Accelerated Python Tool for Microstructural Analysis},
  author = {Kench, Steve and Squires, Isaac and Cooper, Samuel},
  journal = {Journal of Open Source Software}, volume = {8}, number = {88}, pages = {5358}, year = {2023}
}"""


def _metric(
    name: str, target: str, summary: str, *, options: str = "options:NoOptions", citation: str = ""
) -> ComponentSpec:
    return ComponentSpec("metric", name, summary, f"mesofuse_metrics.{target}", f"mesofuse_metrics.{options}", citation)


@hookimpl
def mesofuse_components() -> list[ComponentSpec]:
    """Describe the metrics."""
    return [
        _metric("volume-fraction", "volume_fraction:VolumeFraction", "Share of voxels that each phase fills."),
        _metric(
            "surface-area", "surface_area:SurfaceArea",
            "Interphase surface area per pair of phases, as a share of voxel faces.", citation=_SUPERRES,
        ),
        _metric(
            "specific-surface-area", "specific_surface_area:SpecificSurfaceArea",
            "Interphase surface area per volume, free of the staircase error (Crofton, 13 directions).",
        ),
        _metric(
            "triple-phase-boundary", "triple_phase_boundary:TriplePhaseBoundary",
            "Length per volume of the lines where three phases meet; also estimated from an image.",
        ),
        _metric(
            "percolation", "percolation:Percolation",
            "Share of each phase that connects opposite faces of the volume, per axis.",
            options="options:ConnectivityOptions",
        ),
        _metric(
            "tortuosity", "tortuosity:Tortuosity",
            "Tortuosity factor and transport efficiency per phase and axis, by taufactor.",
            options="options:TortuosityOptions", citation=_TAUFACTOR,
        ),
        _metric(
            "connected-components", "connected_components:ConnectedComponents",
            "Number of connected pieces of each phase per volume, and the share of the largest.",
            options="options:ConnectivityOptions",
        ),
        _metric(
            "two-point-correlation", "two_point_correlation:TwoPointCorrelation",
            "S2(r) of each phase and cross-correlations, per axis and radial.", options="options:TwoPointOptions",
        ),
        _metric(
            "two-point-cluster", "two_point_cluster:TwoPointCluster",
            "C2(r): how likely two points lie in one connected cluster of a phase, per axis.",
            options="options:ClusterOptions",
        ),
        _metric(
            "directional-covariance", "directional_covariance:DirectionalCovariance",
            "Covariance of each phase along 13 directions, and its isotropy error.",
            options="options:CovarianceOptions",
        ),
        _metric(
            "chord-length", "chord_length:ChordLength",
            "Mean chord length of each phase per axis, and the distribution of chords.",
        ),
        _metric(
            "lineal-path", "lineal_path:LinealPath",
            "How likely a line segment lies wholly in a phase, per axis.", options="options:LinealPathOptions",
        ),
        _metric(
            "euler-number", "euler_number:EulerNumber",
            "Euler number and integral of mean curvature of each phase per volume.", options="options:EulerOptions",
        ),
        _metric(
            "local-thickness", "local_thickness:LocalThickness",
            "Mean local thickness (pore size) of each phase, and its distribution.", options="options:ThicknessOptions",
        ),
        _metric(
            "pattern-distance", "pattern_distance:PatternDistance",
            "How unlike the label patterns of result and image are, next to what parts of the image score.",
            options="options:PatternOptions",
        ),
        _metric(
            "judge", "judge:Judge",
            "How often a small classifier tells patches of the result from patches of the image; 0.5 is perfect.",
            options="options:JudgeOptions",
        ),
        _metric(
            "low-res-consistency", "low_res_consistency:LowResConsistency",
            "Share of the scan's voxels that the degraded volume reproduces.", citation=_SUPERRES,
        ),
        _metric(
            "intensity-mean", "intensity_mean:IntensityMean", "Mean of the grey values, or of each colour.",
            options="options:IntensityOptions",
        ),
        _metric(
            "intensity-deviation", "intensity_deviation:IntensityDeviation",
            "Standard deviation of the grey values, or of each colour.", options="options:IntensityOptions",
        ),
        _metric(
            "variogram", "variogram:Variogram",
            "How unlike grey values or colours are at a distance: variance minus autocovariance.",
            options="options:IntensityOptions",
        ),
        _metric(
            "histogram-distance", "histogram_distance:HistogramDistance",
            "Earth mover's distance of the grey values' or colours' histogram from the image's.",
            options="options:IntensityOptions",
        ),
    ]  # fmt: skip
