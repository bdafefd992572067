import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack

import numpy as np
import pytest
import torch

from mesofuse.errors import UserError
from mesofuse.interfaces.loss import Share
from mesofuse.interfaces.method import Budget, FitRun
from mesofuse.testing.problems import blobs
from mesofuse.training import parallel
from mesofuse.training.adversarial import AdversarialTrainer
from mesofuse.training.checkpoint import load_checkpoint
from mesofuse.volumes.formats.catalogue import write_labels

TWO_PROCESSES = """
import json, os, sys
from pathlib import Path

import torch

from mesofuse.config.method import resolve_method
from mesofuse.interfaces.method import Budget, FitRun, FusionInputs
from mesofuse.testing.problems import blobs, make_problem

torch.set_num_threads(1)
for number, (name, (changes, steps)) in enumerate(json.loads(sys.argv[2]).items()):
    os.environ["MASTER_PORT"] = sys.argv[3].split()[number]
    folder = Path(sys.argv[1]) / name
    folder.mkdir(parents=True, exist_ok=True)
    inputs = FusionInputs(blobs((9, 8, 10), 2, seed=1), (blobs((2, 32, 32), 3, seed=2),) * 3, make_problem(2, 3, 4))
    component, options = resolve_method("superres", "slim", changes)
    component.build(options).fit(inputs, FitRun(folder, 0, "cpu", Budget(steps=steps), False, lambda event: None))
"""
SMALL = {
    "generator": {"name": "superres-slim", "channels": 4, "last": 4},
    "critic": {"name": "superres-slim", "channels": 4, "crop": 16},
    "losses": [{"name": "wasserstein-gp"}, {"name": "voxelwise", "tolerance": 0.4}, {"name": "two-point"}],
    "batch": {"volumes": 2, "slices": 3},
    "critic_steps": 1,
    "selection": {"every": 100, "after": 0.9, "window": 5, "parts": 1},
}
RECIPES = {
    "usual": SMALL,
    "slabs": SMALL | {"batch": {"volumes": 2, "slices": None, "slab": 1, "real": 4}, "shared_critic": False},
    "logistic": SMALL | {"losses": [{"name": "r1"}, {"name": "voxelwise"}], "critic_steps": 2},
}
CASES = {f"{name}-{steps}": (recipe, steps) for name, recipe in RECIPES.items() for steps in (1, 4)}


def environment(rank, world):
    return os.environ | {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world), "LOCAL_WORLD_SIZE": str(world),
        "MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1",
    }  # fmt: skip


def free_ports(count):
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train every case in one process and in two; the states of each, as they were left on disk."""
    found = {}
    for world in (1, 2):
        folder = tmp_path_factory.mktemp(f"world{world}")
        ports = " ".join(map(str, free_ports(len(CASES))))
        command = [sys.executable, "-c", TWO_PROCESSES, str(folder), json.dumps(CASES), ports]
        running = [
            subprocess.Popen(command, env=environment(rank, world), stderr=subprocess.PIPE, text=True)
            for rank in range(world)
        ]
        try:
            errors = [process.communicate(timeout=120)[1] for process in running]
        finally:
            for process in running:
                process.kill()
        assert [p.returncode for p in running] == [0] * world, "\n".join(errors)
        for name in CASES:
            found[world, name] = load_checkpoint(folder / name / "checkpoint")[0]
    return found


def distance(one, two, keys):
    """Return the length of the difference of some tensors relative to their own."""
    a, b = (torch.cat([state[k].double().flatten() for k in keys]) for state in (one, two))
    return float((a - b).norm() / a.norm())


@pytest.mark.parametrize("name", RECIPES)
def test_two_processes_have_the_gradients_of_one(trained, name):
    """Adam's first moments after one step are half the gradients."""
    one, two = trained[1, f"{name}-1"], trained[2, f"{name}-1"]
    assert set(one) == set(two)
    for part in ("generator_adam", "critic_adam"):
        assert distance(one, two, [k for k in one if k.startswith(part) and k.endswith("exp_avg")]) < 1e-5


@pytest.mark.parametrize("name", RECIPES)
def test_two_processes_train_to_the_weights_of_one(trained, name):
    one, two = trained[1, f"{name}-4"], trained[2, f"{name}-4"]
    for part in ("generator/", "average/"):
        assert distance(one, two, [k for k in one if k.startswith(part)]) < 1e-3
    start = trained[1, f"{name}-1"]
    assert distance(one, start, [k for k in one if k.startswith("generator/") and k.endswith("conv.weight")]) > 1e-3


def test_running_statistics_are_those_of_the_whole_batch(trained):
    one, two = trained[1, "usual-1"], trained[2, "usual-1"]
    keys = [k for k in one if k.startswith("generator/") and "running" in k]
    assert keys
    assert distance(one, two, keys) < 1e-5


def test_one_process_is_left_alone():
    share = Share()
    values = torch.arange(6.0)
    assert share.average(values) is values
    assert torch.equal(share.part(values), values)
    with parallel.joined("cpu") as own:
        assert (own.rank, own.world) == (0, 1)


def test_parts_make_the_whole():
    values = np.arange(12).reshape(6, 2)
    assert np.array_equal(np.concatenate([Share(r, 3).part(values) for r in range(3)]), values)


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path):
    from mesofuse.config.method import resolve_method
    from mesofuse.interfaces.method import FusionInputs
    from mesofuse.testing.problems import make_problem

    image = blobs((1, 32, 32), 3)
    inputs = FusionInputs(blobs((9, 8, 10), 2), (image, image, image), make_problem(2, 3, 4))
    run = FitRun(tmp_path, 0, "cpu", Budget(steps=1), False, lambda event: None)
    for batch, said in ({"volumes": 4}, r"volumes=6"), ({"volumes": 3, "real": 10}, r"real=12"):
        component, options = resolve_method("superres", "slim", SMALL | {"batch": batch})
        with pytest.raises(UserError, match=f"3 processes can't share .* --set batch.{said}"):
            AdversarialTrainer(options, component.build(options), inputs, run, Share(0, 3))


def test_who_this_is_comes_from_torchrun(monkeypatch):
    assert (parallel.world(), parallel.rank()) == (1, 0)
    for key, value in environment(1, 2).items():
        monkeypatch.setenv(key, value)
    assert (parallel.world(), parallel.rank()) == (2, 1)
    assert parallel.own_device("cpu") == "cpu"
    with pytest.raises(UserError, match="its own GPU"):
        parallel.own_device("cuda:0")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(UserError, match="--nproc-per-node 1"):
        parallel.own_device("cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert parallel.own_device("cuda") == "cuda:1"


def test_commands_that_share_nothing_refuse_further_processes(monkeypatch, tmp_path):
    from mesofuse.pipeline.fit import fit_job

    for key, value in (environment(1, 2) | {"MASTER_PORT": "1"}).items():
        monkeypatch.setenv(key, value)
    with pytest.raises(UserError, match="start this command without it"):
        fit_job(None, None, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_second_ctrl_c_ends_at_once():
    import signal

    before = signal.getsignal(signal.SIGINT)
    with parallel.HeldInterrupt() as held:
        os.kill(os.getpid(), signal.SIGINT)
        assert held.seen
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.fixture
def job(tmp_path):
    """Give the command line of a small fusion, for torchrun."""
    write_labels(blobs((9, 8, 10), 2, seed=1), tmp_path / "scan.tif")
    write_labels(blobs((2, 32, 32), 2, seed=2), tmp_path / "image.tif")
    parts = ("channels=4", "last=4")
    settings = ["preset=slim", *(f"generator.{p}" for p in parts), "critic.channels=4", "critic.crop=16"]
    settings += ["selection.window=5"]
    return [
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(free_ports(1)[0]),
        "-m", "mesofuse.cli.main", "fuse", "--low-res", str(tmp_path / "scan.tif"), "--scale", "4",
        "--high-res", str(tmp_path / "image.tif"), "--out", str(tmp_path / "run"), "--device", "cpu",
        *(word for s in settings for word in ("--set", s)),
    ]  # fmt: skip


def test_torchrun_fuses_once(job, tmp_path):
    done = subprocess.run([*job, "--steps", "2"], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Fused volume:") == 1
    assert {"config.yaml", "model", "fused.zarr", "metrics.json", "preview.png"} <= {
        p.name for p in (tmp_path / "run").iterdir()
    }


@pytest.mark.slow
def test_ctrl_c_under_torchrun_keeps_a_model_and_resume_goes_on(job, tmp_path):
    import signal

    running = subprocess.Popen([*job, "--steps", "100000"], stderr=subprocess.PIPE, text=True)
    said = next(line for line in running.stderr if line.startswith("training"))
    assert "step" in said or said
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=120)
    record = json.loads((tmp_path / "run" / "model" / "model.json").read_text())
    assert record["provenance"]["interrupted"]
    _, state = load_checkpoint(tmp_path / "run" / "training" / "checkpoint")
    steps = str(state["step"] + 2)
    done = subprocess.run(
        [*job, "--steps", steps, "--resume"], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not json.loads((tmp_path / "run" / "model" / "model.json").read_text())["provenance"]["interrupted"]
