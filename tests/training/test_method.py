from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mesofuse.interfaces.events import Note
from mesofuse.interfaces.method import Budget, FitRun, FusionInputs
from mesofuse.interfaces.problem import Problem
from mesofuse.registry import get_registry
from mesofuse.simulation.electrode import make_electrode, make_scan, sections
from mesofuse.training import adversarial
from mesofuse.volumes.phases import PhaseMatch, default_phases

PROBLEM = Problem((4.0,) * 3, default_phases(3), default_phases(3), PhaseMatch(((0,), (1,), (2,))))


@dataclass
class Stub:
    """Stands in for the trainer and keeps what it is given."""

    seen: list = field(default_factory=list)

    def __call__(self, options, *others):
        self.seen.append(options)
        return self

    def fit(self):
        return "model"


def fitted(monkeypatch, tmp_path: Path, degradation: dict):
    stub, events = Stub(), []
    monkeypatch.setattr(adversarial, "AdversarialTrainer", stub)
    truth = make_electrode((64, 64, 64), seed=0, particle_radius=6)
    built = get_registry().find("degradation", "point-spread").build({"sigma": 2.0}, PROBLEM)
    image = sections(make_electrode((64, 64, 64), seed=1, particle_radius=6), 6, 64)
    inputs = FusionInputs(make_scan(truth, built, PROBLEM), (image,) * 3, PROBLEM)
    method = get_registry().find("method", "superres").build({"degradation": degradation})
    assert method.fit(inputs, FitRun(tmp_path, 0, "cpu", Budget(), False, events.append)) == "model"
    return method, stub, events


def test_what_a_degradation_estimates_is_a_number_for_the_trainer_and_in_the_methods_options(monkeypatch, tmp_path):
    method, stub, events = fitted(monkeypatch, tmp_path, {"name": "point-spread", "sigma": "estimate"})
    sigma = method.options.degradation.options["sigma"]
    assert len(sigma) == 3
    assert all(isinstance(s, float) for s in sigma)
    assert stub.seen == [method.options]
    assert isinstance(events[0], Note)
    assert "sigma" in events[0].text
    get_registry().find("degradation", "point-spread").build(method.options.degradation.options, PROBLEM)


@pytest.mark.parametrize("degradation", [{"name": "point-spread", "sigma": 2.0}, {"name": "blur-downsample"}])
def test_what_is_given_is_left_alone(monkeypatch, tmp_path, degradation):
    method, _, events = fitted(monkeypatch, tmp_path, degradation)
    assert method.options.degradation.model_dump() == degradation
    assert events == []
