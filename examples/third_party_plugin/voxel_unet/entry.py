"""Entry point: the parts by name; nothing here imports torch."""

from mesofuse.interfaces.component import ComponentSpec
from mesofuse.interfaces.hookimpl import hookimpl

MESOFUSE_API = 1

UNET = """@inproceedings{ronneberger2015,
  author = {Ronneberger, Olaf and Fischer, Philipp and Brox, Thomas},
  title = {{U-Net}: Convolutional Networks for Biomedical Image Segmentation},
  booktitle = {Medical Image Computing and Computer-Assisted Intervention},
  year = {2015},
  doi = {10.1007/978-3-319-24574-4_28},
}"""
PATCHGAN = """@inproceedings{isola2017,
  author = {Isola, Phillip and Zhu, Jun-Yan and Zhou, Tinghui and Efros, Alexei A.},
  title = {Image-to-Image Translation with Conditional Adversarial Networks},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition},
  year = {2017},
  doi = {10.1109/CVPR.2017.632},
}"""
LSGAN = """@inproceedings{mao2017,
  author = {Mao, Xudong and Li, Qing and Xie, Haoran and Lau, Raymond Y. K. and Wang, Zhen and Smolley, Stephen Paul},
  title = {Least Squares Generative Adversarial Networks},
  booktitle = {IEEE International Conference on Computer Vision},
  year = {2017},
  doi = {10.1109/ICCV.2017.304},
}"""


@hookimpl
def mesofuse_components() -> list[ComponentSpec]:
    """Name the parts."""
    return [
        ComponentSpec(
            "generator",
            "unet",
            "3D U-Net on the scan's grid, voxel shuffle to the fine grid; whole scale factors.",
            "voxel_unet.unet:UNet3d",
            "voxel_unet.settings:UNetSettings",
            UNET,
        ),
        ComponentSpec(
            "critic",
            "patchgan",
            "PatchGAN with instance normalisation, mean over patches.",
            "voxel_unet.patchgan:PatchGAN",
            "voxel_unet.settings:PatchGANSettings",
            PATCHGAN,
        ),
        ComponentSpec(
            "loss",
            "lsgan",
            "Least-squares form of the adversarial objective.",
            "voxel_unet.lsgan:LSGAN",
            "voxel_unet.settings:LSGANSettings",
            LSGAN,
        ),
    ]
