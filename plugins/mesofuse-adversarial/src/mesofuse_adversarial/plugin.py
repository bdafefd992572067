"""What this distribution supplies, as strings: importing this module imports no torch."""

from mesofuse.interfaces.component import ComponentSpec
from mesofuse.interfaces.hookimpl import hookimpl

MESOFUSE_API = 1

SUPERRES = """@article{dahari2023fusion,
  title = {Fusion of Complementary {2D} and {3D} Mesostructural Datasets Using Generative Adversarial Networks},
  author = {Dahari, Amir and Kench, Steve and Squires, Isaac and Cooper, Samuel J.},
  journal = {Advanced Energy Materials},
  volume = {13},
  year = {2023},
  doi = {10.1002/aenm.202202407}
}"""
WGAN_GP = """@inproceedings{gulrajani2017improved,
  title = {Improved training of {Wasserstein} {GANs}},
  author = {Gulrajani, Ishaan and Ahmed, Faruk and Arjovsky, Martin and Dumoulin, Vincent and Courville, Aaron},
  booktitle = {Advances in Neural Information Processing Systems},
  year = {2017}
}"""

R1 = """@inproceedings{mescheder2018which,
  title = {Which Training Methods for {GANs} do actually Converge?},
  author = {Mescheder, Lars and Geiger, Andreas and Nowozin, Sebastian},
  booktitle = {International Conference on Machine Learning},
  year = {2018}
}"""
HINGE = """@inproceedings{miyato2018spectral,
  title = {Spectral Normalization for Generative Adversarial Networks},
  author = {Miyato, Takeru and Kataoka, Toshiki and Koyama, Masanori and Yoshida, Yuichi},
  booktitle = {International Conference on Learning Representations},
  year = {2018}
}"""

GPDM = """@inproceedings{elnekave2022generating,
  title = {Generating natural images with direct patch distributions matching},
  author = {Elnekave, Ariel and Weiss, Yair},
  booktitle = {European Conference on Computer Vision},
  year = {2022}
}"""


@hookimpl
def mesofuse_components() -> list[ComponentSpec]:
    """Describe the components."""
    return [
        ComponentSpec(
            kind="degradation",
            name="blur-downsample",
            summary="Gaussian blur, trilinear down-sampling and a soft choice of phase: an underresolved scan.",
            target="mesofuse_adversarial.blur_downsample:BlurDownsample",
            options="mesofuse_adversarial.options:BlurDownsampleOptions",
            citation=SUPERRES,
        ),
        ComponentSpec(
            kind="degradation",
            name="area-average",
            summary="Mean over the space of each scan voxel and a soft choice of phase: an ideal box detector.",
            target="mesofuse_adversarial.area_average:AreaAverage",
            options="mesofuse_adversarial.options:AreaAverageOptions",
        ),
        ComponentSpec(
            kind="degradation",
            name="point-spread",
            summary="A blur and a slice thickness for each axis, given or estimated, and a soft choice of phase.",
            target="mesofuse_adversarial.point_spread:PointSpread",
            options="mesofuse_adversarial.options:PointSpreadOptions",
        ),
        ComponentSpec(
            kind="degradation",
            name="nearest",
            summary="The phase at each scan voxel's centre, without blur: an undersampled scan.",
            target="mesofuse_adversarial.nearest:Nearest",
            options="mesofuse_adversarial.options:NearestOptions",
            citation=SUPERRES,
        ),
        ComponentSpec(
            kind="loss",
            name="wasserstein-gp",
            summary="Wasserstein distance between real and generated slices, with a gradient penalty on the critic.",
            target="mesofuse_adversarial.wasserstein_gp:WassersteinGP",
            options="mesofuse_adversarial.options:WassersteinGPOptions",
            citation=WGAN_GP,
        ),
        ComponentSpec(
            kind="loss",
            name="r1",
            summary="Logistic loss of critics and generator, with a gradient penalty on real slices.",
            target="mesofuse_adversarial.r1:R1",
            options="mesofuse_adversarial.options:R1Options",
            citation=R1,
        ),
        ComponentSpec(
            kind="loss",
            name="hinge",
            summary="Hinge loss of critics and generator, for critics that are smooth by themselves (spectral norm).",
            target="mesofuse_adversarial.hinge:Hinge",
            options="mesofuse_adversarial.options:HingeOptions",
            citation=HINGE,
        ),
        ComponentSpec(
            kind="loss",
            name="voxelwise",
            summary="Squared error between the degraded result and the scan, voxel by voxel.",
            target="mesofuse_adversarial.voxelwise:Voxelwise",
            options="mesofuse_adversarial.options:VoxelwiseOptions",
            citation=SUPERRES,
        ),
        ComponentSpec(
            kind="loss",
            name="two-point",
            summary="Relative error of the two-point probabilities at short distances against the image's.",
            target="mesofuse_adversarial.two_point:TwoPoint",
            options="mesofuse_adversarial.options:TwoPointOptions",
        ),
        ComponentSpec(
            kind="loss",
            name="patterns",
            summary="Divergence of the histograms of label patterns of result and image; needs no critic.",
            target="mesofuse_adversarial.patterns:Patterns",
            options="mesofuse_adversarial.options:PatternsOptions",
        ),
        ComponentSpec(
            kind="loss",
            name="patch-distribution",
            summary="Sliced Wasserstein distance between the patches of result and image, at several scales.",
            target="mesofuse_adversarial.patch_distribution:PatchDistribution",
            options="mesofuse_adversarial.options:PatchDistributionOptions",
            citation=GPDM,
        ),
        ComponentSpec(
            kind="loss",
            name="variogram",
            summary="Mean, spread and variogram of grey values and colours against the image's.",
            target="mesofuse_adversarial.variogram:Variogram",
            options="mesofuse_adversarial.options:VariogramOptions",
        ),
    ]
