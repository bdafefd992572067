import copy
import pickle

import pytest
import torch
from mesofuse_superres.multi_scale_critic import MultiScaleCritic
from mesofuse_superres.options import SlimCriticOptions
from mesofuse_superres.slim_critic import SlimCritic
from pydantic import ValidationError
from safetensors.torch import load_file

from mesofuse.config.method import resolve_method
from mesofuse.interfaces.events import TrainingStep
from mesofuse.interfaces.method import Budget, FitRun, FusionInputs
from mesofuse.testing import assert_conforms
from mesofuse.testing.problems import blobs, make_problem


@pytest.mark.parametrize("crop", [16, 32, 64])
def test_one_score_a_slice(crop):
    critic = SlimCritic(SlimCriticOptions(channels=4, crop=crop), make_problem(2, 3, 4))
    assert critic.crop == crop
    assert critic(torch.rand(5, 3, crop, crop)).shape == (5,)


def test_crops_are_multiples_of_eight():
    with pytest.raises(ValidationError):
        SlimCriticOptions(crop=20)


def normalised(seed=0):
    torch.manual_seed(seed)
    return SlimCritic(SlimCriticOptions(channels=4, crop=16, spectral_norm=True), make_problem(2, 3, 4))


def test_spectral_norm_bounds_every_weight():
    critic = normalised()
    for _ in range(200):
        critic(torch.rand(1, 3, 16, 16))
    for layer in critic.body[::2]:
        assert torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2) == pytest.approx(1, abs=1e-3)
    plain = SlimCritic(SlimCriticOptions(channels=4, crop=16), make_problem(2, 3, 4))
    assert not list(plain.buffers())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda critic: pickle.loads(pickle.dumps(critic))])
@pytest.mark.parametrize("mode", [True, False])
def test_a_copy_of_a_normalised_critic_goes_on_alike(copied, mode):
    critic = normalised().double().train(mode)
    critic(torch.rand(2, 3, 16, 16).double())
    before = torch.get_rng_state()
    twin = copied(critic)
    assert torch.equal(torch.get_rng_state(), before)
    assert twin.training is mode
    slices = torch.rand(2, 3, 16, 16).double()
    for _ in range(3):
        assert torch.equal(twin(slices), critic(slices))


@pytest.mark.parametrize("critic", ["superres-slim", "multi-scale"])
def test_normalised_critics_conform(critic, monkeypatch):
    monkeypatch.setattr(SlimCritic, "test_options", {"channels": 4, "crop": 16, "spectral_norm": True}, raising=False)
    monkeypatch.setattr(
        MultiScaleCritic, "test_options", {"channels": 4, "crop": 32, "spectral_norm": True}, raising=False
    )
    assert_conforms("critic", critic)


@pytest.mark.parametrize("name", ["superres-slim", "multi-scale"])
def test_training_with_a_normalised_critic_resumes_bit_for_bit(tmp_path, name):
    crop = {"superres-slim": 16, "multi-scale": 32}[name]
    recipe = {
        "generator": {"name": "superres-slim", "channels": 4, "last": 4},
        "critic": {"name": name, "channels": 4, "crop": crop, "spectral_norm": True},
        "batch": {"volumes": 1, "slices": 2},
        "critic_steps": 1,
        "selection": {"every": 3, "after": 0.0, "window": 7, "parts": 1},
        "checkpoint_seconds": 1e-9,
    }
    inputs = FusionInputs(blobs((12, 12, 12), 2, seed=1), (blobs((2, 40, 40), 3, seed=2),) * 3, make_problem(2, 3, 4))

    def fit(folder, steps, resume):
        folder.mkdir(exist_ok=True)
        component, options = resolve_method("superres", "slim", recipe)
        run = FitRun(folder, 0, "cpu", Budget(steps=steps), resume, stop)
        return component.build(options).fit(inputs, run)

    def stop(event):
        if isinstance(event, TrainingStep) and event.step == 2 and not stopped:
            stopped.append(event)
            raise RuntimeError("killed")

    stopped = [None]
    fit(tmp_path / "whole", 3, False)
    stopped = []
    with pytest.raises(RuntimeError, match="killed"):
        fit(tmp_path / "cut", 3, True)
    fit(tmp_path / "cut", 3, True)
    whole, cut = (load_file(tmp_path / f / "checkpoint" / "checkpoint.safetensors") for f in ("whole", "cut"))
    assert len([key for key in whole if key.startswith("critic0/") and key.endswith(("._u", "._v"))]) >= 8
    assert whole.keys() == cut.keys()
    for key, value in whole.items():
        if key == "log":  # says how many seconds each step took
            continue
        assert torch.equal(value, cut[key]), key
