"""What a step shows the losses, and recipes that teach nothing."""

import pytest
import torch

from mesofuse.config.method import resolve_method
from mesofuse.errors import UserError
from mesofuse.interfaces.method import Budget, FitRun, FusionInputs
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.training.adversarial import AdversarialTrainer

SMALL = {
    "generator": {"name": "superres-slim", "channels": 4, "last": 4},
    "critic": {"name": "superres-slim", "channels": 4, "crop": 16},
    "batch": {"volumes": 1, "slices": 2},
    "critic_steps": 1,
    "selection": {"every": 2, "after": 0.0, "window": 7, "parts": 1},
}
NO_CRITIC = {"critic": None, "batch": {"volumes": 1, "patch": 16}}
INPUTS = FusionInputs(blobs((9, 8, 10), 2, seed=1), (blobs((2, 32, 32), 3, seed=2),) * 3, make_problem(2, 3, 4))


def make_trainer(folder, **changes):
    component, options = resolve_method("superres", "slim", SMALL | changes)
    run = FitRun(folder, 0, "cpu", Budget(steps=2), False, lambda event: None)
    return AdversarialTrainer(options, component.build(options), INPUTS, run)


class Watching:
    """A loss that keeps what it is shown."""

    def __init__(self):
        self.seen = []

    def critic_term(self, step):
        return None

    def generator_term(self, step):
        self.seen.append(step.probabilities.detach().clone())
        return step.probabilities.square().mean()


def test_losses_see_the_probabilities_that_labels_are_drawn_by(tmp_path):
    """The power rises with the run; of equal weights the sharpened probabilities are powers of the plain ones."""
    seen = {}
    for name, labels in (("plain", {}), ("sharp", {"choice": "drawn", "power": 5.0, "first_power": 3.0})):
        trainer, watching = make_trainer(tmp_path / name, **NO_CRITIC, labels=labels), Watching()
        trainer.losses = [watching]
        assert trainer.power == (1 if name == "plain" else 3)
        trainer._generator_update()
        trainer.step = 1
        assert trainer.power == (1 if name == "plain" else 4)
        seen[name] = watching.seen[0]
    powers = seen["plain"] ** 3
    assert torch.allclose(seen["sharp"], powers / powers.sum(1, keepdim=True), atol=1e-5)


def test_a_recipe_that_can_teach_nothing_is_refused(tmp_path):
    """Patterns of a spacing of 8 do not fit into volumes of 16 voxels."""
    trainer = make_trainer(tmp_path, losses=[{"name": "patterns", "spacings": [8]}], **NO_CRITIC)
    with pytest.raises(UserError, match=r"None of the recipe's losses \(patterns\) has a term"):
        trainer._generator_update()


def test_a_critic_that_no_loss_teaches_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"has a critic, but none of its losses \(voxelwise\) teaches it"):
        make_trainer(tmp_path, losses=[{"name": "voxelwise"}])._critic_update(0)


def test_the_generator_alone_computes_in_bf16(tmp_path):
    found = {}
    for precision in ("float32", "bf16"):
        trainer = make_trainer(tmp_path, **NO_CRITIC, losses=[{"name": "voxelwise"}], precision=precision)
        ((_, _, made),) = trainer._generate(0)
        found[precision] = made.detach()
        trainer._generator_update()
        assert {p.dtype for p in trainer.generator.parameters()} == {torch.float32}
    assert found["bf16"].dtype == torch.float32
    assert not torch.equal(found["bf16"], found["float32"])
    assert torch.allclose(found["bf16"], found["float32"], atol=0.03)
