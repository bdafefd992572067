"""The trainer on every kind of job: anisotropic, planar, without a scan, by slabs; each killed and resumed too."""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mesofuse.config.method import resolve_method
from mesofuse.interfaces.events import TrainingStep
from mesofuse.interfaces.loss import Share
from mesofuse.interfaces.method import Budget, FitRun, FusionInputs
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.training.adversarial import AdversarialTrainer
from mesofuse.training.generator_model import GeneratorModel
from mesofuse.training.method import AdversarialMethod
from mesofuse.training.recipe import AdversarialOptions

SMALL = {
    "generator": {"name": "superres-slim", "channels": 4, "last": 4},
    "critic": {"name": "superres-slim", "channels": 4, "crop": 16},
    "batch": {"volumes": 1, "slices": 2},
    "critic_steps": 1,
    "selection": {"every": 2, "after": 0.0, "window": 5, "parts": 1},
}
PATTERNS = {
    "critic": None,
    "losses": [{"name": "patterns", "spacings": (1, 2)}, {"name": "voxelwise"}],
    "batch": {"volumes": 1, "patch": 16},
}
SCAN = blobs((9, 8, 10), 2, seed=1)
IMAGE, OTHER = blobs((2, 32, 32), 3, seed=2), blobs((2, 32, 32), 3, seed=3)
PROBLEM = make_problem(2, 3, 4)


class Unconditional(torch.nn.Module):
    """A stub that makes volumes from noise alone."""

    conditional = False
    scale, halo, activation_bytes = (4.0, 4.0, 4.0), (1, 1, 1), 1000
    noise = (NoiseSpec("latent", 3),)

    def __init__(self):
        super().__init__()
        self.enter, self.norm = torch.nn.Conv3d(3, 4, 3), torch.nn.BatchNorm3d(4)
        self.leave = torch.nn.Conv3d(4, 3, 1)

    def forward(self, field, noise, region, core=None):
        assert field.shape[1] == 0
        assert core is None or region == core.grown(self.halo)
        made = torch.relu(self.norm(self.enter(noise[0])))
        return self.leave(torch.nn.functional.interpolate(made, scale_factor=4, mode="trilinear")).softmax(1)


class FromNoise(AdversarialMethod):
    def build_generator(self, problem):
        return Unconditional()


def superres(**changes):
    component, options = resolve_method("superres", "slim", SMALL | changes)
    return component.build(options)


def normed(trainer):
    """Give the critics spectral norm, whose power iteration keeps buffers."""
    for critic in trainer.critics:
        for layer in critic.modules():
            if isinstance(layer, torch.nn.Conv2d):
                torch.nn.utils.parametrizations.spectral_norm(layer)
    rates = trainer.options.optimizer
    trainer.critic_adams = [torch.optim.Adam(c.parameters(), lr=rates.rate, betas=rates.betas) for c in trainer.critics]


def from_noise():
    recipe = {k: v for k, v in SMALL.items() if k != "generator"}
    return FromNoise(AdversarialOptions(generator={"name": "stub"}, losses=({"name": "wasserstein-gp"},), **recipe))


def case(method, low_res=SCAN, images=(IMAGE,) * 3, problem=PROBLEM, prepare=lambda trainer: None):
    return SimpleNamespace(method=method, inputs=FusionInputs(low_res, images, problem), prepare=prepare)


CASES = {
    "isotropic": lambda: case(superres(augment="rotate")),
    "a critic for each axis": lambda: case(superres(shared_critic=False)),
    "last weights, not averaged": lambda: case(superres(optimizer={"averaging": None})),
    "anisotropic": lambda: case(superres(), images=(IMAGE, IMAGE, OTHER)),
    "three images": lambda: case(superres(), images=(IMAGE, OTHER, blobs((1, 24, 30), 3, seed=4))),
    "planar": lambda: case(superres(), blobs((1, 12, 10), 2, seed=1), problem=make_problem(2, 3, (1, 4, 4))),
    "from noise": lambda: case(from_noise(), None, problem=make_problem(0, 3, 1)),
    "slabs": lambda: case(superres(batch={"volumes": 2, "slices": None, "slab": 1})),
    "logistic": lambda: case(superres(losses=[{"name": "r1"}, {"name": "voxelwise"}])),
    "no critic": lambda: case(superres(**PATTERNS)),
    "no critic, anisotropic, drawn": lambda: case(
        superres(**PATTERNS, labels={"choice": "drawn", "power": 4.0}), images=(IMAGE, IMAGE, OTHER)
    ),
    "no critic, planar": lambda: case(
        superres(**PATTERNS), blobs((1, 12, 10), 2, seed=1), problem=make_problem(2, 3, (1, 4, 4))
    ),
    "spectral norm": lambda: case(superres(losses=[{"name": "hinge"}, {"name": "two-point"}]), prepare=normed),
}


def trainer_of(case, folder, steps=3, resume=False, emit=lambda event: None):
    folder.mkdir(exist_ok=True)
    run = FitRun(folder, 0, "cpu", Budget(steps=steps), resume, emit)
    trainer = AdversarialTrainer(case.method.options, case.method, case.inputs, run, Share())
    case.prepare(trainer)
    return trainer


def everything(trainer):
    networks = {"generator": trainer.generator, "average": trainer.average}
    networks |= {f"critic{i}": critic for i, critic in enumerate(trainer.critics)}
    return {f"{name} {k}": v.clone() for name, n in networks.items() for k, v in n.state_dict().items()}


class Killed(Exception):
    pass


@pytest.mark.parametrize("name", CASES)
def test_every_job_trains_and_a_killed_one_goes_on_to_the_same_bits(tmp_path, name, monkeypatch):
    monkeypatch.setattr(FromNoise, "restore", lambda self, problem, state: GeneratorModel(Unconditional(), problem))

    def kill(event):
        if isinstance(event, TrainingStep) and event.step == 2:
            raise Killed

    whole = trainer_of(CASES[name](), tmp_path / "whole")
    begun = everything(whole)
    whole.fit()
    assert any(not torch.equal(begun[k], v) for k, v in everything(whole).items())

    cut = trainer_of(CASES[name](), tmp_path / "cut", emit=kill)
    object.__setattr__(cut.options, "checkpoint_seconds", 1e-9)
    with pytest.raises(Killed):
        cut.fit()
    steps = []
    resumed = trainer_of(CASES[name](), tmp_path / "cut", resume=True, emit=steps.append)
    object.__setattr__(resumed.options, "checkpoint_seconds", 1e-9)
    resumed.fit()
    assert [e.step for e in steps if isinstance(e, TrainingStep)] == [2, 3]
    first, second = everything(whole), everything(resumed)
    assert set(first) == set(second)
    assert [k for k, v in first.items() if not torch.equal(v, second[k])] == []


def test_spectral_norm_keeps_buffers(tmp_path):
    trainer = trainer_of(CASES["spectral norm"](), tmp_path / "a")
    assert any(k.endswith("_u") for k in everything(trainer))


@pytest.mark.parametrize(
    ("name", "critics"), [("isotropic", [0, 0, 0]), ("anisotropic", [0, 0, 1]), ("a critic for each axis", [0, 1, 2])]
)
def test_axes_that_the_same_image_shows_share_a_critic(tmp_path, name, critics):
    trainer = trainer_of(CASES[name](), tmp_path / "a")
    assert [trainer.critic_of[axis] for axis in range(3)] == critics
    assert len(trainer.critics) == max(critics) + 1


def test_each_axis_is_held_against_its_own_image(tmp_path):
    """Three images of one phase each: what the losses are shown for an axis is that axis's image."""
    plain = [blobs((1, 20, 20), 3) for _ in range(3)]
    for value, image in enumerate(plain):
        image.array[...] = value
    trainer = trainer_of(case(superres(), images=tuple(plain)), tmp_path / "a")
    for axis in range(3):
        crops = trainer._real(axis, 4, np.random.default_rng(0))
        assert torch.equal(crops.argmax(1), torch.full((4, 16, 16), axis))


def test_a_planar_job_has_one_axis(tmp_path):
    trainer = trainer_of(CASES["planar"](), tmp_path / "a", steps=2)
    assert trainer.axes == (0,)
    assert trainer.fit().scale == (1.0, 4.0, 4.0)


RUN = """
import sys, time
from pathlib import Path

from mesofuse.interfaces.method import Budget, FitRun
sys.path.insert(0, sys.argv[1])
from test_adversarial_jobs import superres, case

made = case(superres(checkpoint_seconds=1e-9))
folder = Path(sys.argv[2])
folder.mkdir(exist_ok=True)
def emit(event):
    print(type(event).__name__, event.step, flush=True)
made.method.fit(made.inputs, FitRun(folder, 0, "cpu", Budget(steps=6), True, emit))
"""


@pytest.mark.slow
def test_a_process_killed_by_the_system_goes_on_to_the_same_bits(tmp_path):
    """Kill -9 at whatever it is doing after each of two events, then run to the end."""
    command = [sys.executable, "-c", RUN, os.path.dirname(__file__)]
    whole = subprocess.run([*command, str(tmp_path / "whole")], capture_output=True, text=True, check=True)
    assert "TrainingStep 6" in whole.stdout
    for line in ("CheckpointSaved 2", "TrainingStep 4"):
        running = subprocess.Popen([*command, str(tmp_path / "cut")], stdout=subprocess.PIPE, text=True)
        assert any(said.startswith(line) for said in iter(running.stdout.readline, ""))
        running.kill()
        assert running.wait() == -signal.SIGKILL
    subprocess.run([*command, str(tmp_path / "cut")], capture_output=True, check=True)
    files = [tmp_path / name / "checkpoint" / "checkpoint.safetensors" for name in ("whole", "cut")]
    from safetensors.torch import load_file

    first, second = map(load_file, files)
    assert set(first) == set(second)
    assert [k for k in first if k != "log" and not torch.equal(first[k], second[k])] == []  # the log says seconds
