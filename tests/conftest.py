"""Two cores are shared by many tests: torch and BLAS get one thread each, before anything imports them."""

import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
for name in ("MESOFUSE_PLUGINS", "MESOFUSE_STRICT"):
    os.environ.pop(name, None)

import pytest  # noqa: E402 (the environment comes first)


@pytest.fixture(scope="session")
def tiny_model():
    """Return a function that makes an untrained slim model of a scale, which reaches and tiles like a trained one."""
    import torch

    from mesofuse.config.method import resolve_method
    from mesofuse.testing.problems import make_problem

    def make(scale=4.0, low=2, high=3, seed=0):
        component, options = resolve_method(
            "superres", "slim", {"generator": {"name": "superres-slim", "channels": 6, "last": 4}}
        )
        torch.manual_seed(seed)
        method = component.build(options)
        generator = method.build_generator(make_problem(low, high, scale))
        # Sharpen the last layer, so that the labels are as mixed as a trained model's.
        with torch.no_grad():
            generator.leave.weight.mul_(20)
            generator.leave.bias.zero_()
        state = {k: v.numpy() for k, v in generator.state_dict().items()}
        return method.restore(make_problem(low, high, scale), state), options.model_dump(mode="json")

    return make


TINY_RECIPE = (
    "preset=slim", "generator.channels=4", "generator.last=4", "critic.channels=4", "critic.crop=16", "critic_steps=1",
    "batch.volumes=1", "batch.slices=2", "selection.window=7", "selection.parts=1", "checkpoint_seconds=1.0e-9",
)  # fmt: skip


@pytest.fixture(scope="session")
def tiny_job(tmp_path_factory):
    """Return the arguments of `mesofuse fuse` for a scan of 9 × 8 × 10 voxels and an image of 40²: seconds of work."""
    import tifffile

    from mesofuse.testing.problems import blobs

    folder = tmp_path_factory.mktemp("inputs")
    scan, image = folder / "scan.tif", folder / "sem.tif"
    tifffile.imwrite(scan, blobs((9, 8, 10), 2, seed=1).array, photometric="minisblack")
    tifffile.imwrite(image, blobs((1, 40, 40), 3, seed=2).array[0], photometric="minisblack")
    recipe = [word for setting in TINY_RECIPE for word in ("--set", setting)]
    return [
        "--low-res", str(scan), "--high-res", str(image), "--scale", "4", "--voxel-size", "0.8",
        "--phases", "pore,active,binder", "--shows", "0=pore,binder", "--shows", "1=active", "--steps", "2", "--quiet",
        *recipe,
    ]  # fmt: skip
