"""Checks of every kind (options, spec), and of everything that is a torch module."""

from __future__ import annotations

import copy
import functools
import itertools
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mesofuse.interfaces.options import Options
from mesofuse.testing.checks import Check, require
from mesofuse.testing.problems import describe, problems_for

if TYPE_CHECKING:
    import torch

    from mesofuse.interfaces.problem import Problem
    from mesofuse.registry import Component

    # Builds a component for a problem under a fixed seed, with example inputs of its call.
    Make = Callable[[Component, Problem], tuple[torch.nn.Module, tuple[Any, ...]]]


def options_of(component: Component) -> Options:
    """Return the options to check a component with."""
    return component.options(getattr(component.load(), "test_options", None))


def build(component: Component, *args: Any, seed: int = 0) -> Any:
    """Build a component under a seed, without disturbing torch's own random state."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return component.build(options_of(component), *args)


def shake_norms(module: torch.nn.Module, seed: int = 0) -> None:
    """Give every normalisation random running statistics, as training would, so that they can't hide a fault."""
    import torch

    rng = torch.Generator().manual_seed(seed)
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(0.2 * torch.randn(buffer.shape, generator=rng))
        elif name.endswith("running_var"):
            buffer.copy_(0.5 + torch.rand(buffer.shape, generator=rng))


def torch_free(component: Component) -> None:
    """Import the plugin's module in a process of its own and look for torch."""
    code = "import importlib, sys; importlib.import_module(sys.argv[1]); sys.exit(3 if 'torch' in sys.modules else 0)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", code, component.module], env=env, capture_output=True, text=True)
    require(done.returncode != 3, f"importing {component.module} imports torch; import it where it is used.")
    lines = done.stderr.strip().splitlines() or ["no reason given"]
    require(done.returncode == 0, f"importing {component.module} alone fails: {lines[-1]}")


def options_described(component: Component) -> None:
    """Look at every field of the options."""
    model = component.options_model()
    for name, field in model.model_fields.items():
        require(field.description, f"the option {name!r} has no description.")
        require(not field.is_required(), f"the option {name!r} has no default.")
    require(model.model_config.get("extra") == "forbid", "the options accept unknown fields; keep extra='forbid'.")


def options_round_trip(component: Component) -> None:
    """Send the defaults and every preset through JSON and back."""
    model = component.options_model()
    for name, content in itertools.product((None, *model.presets), model.contents):
        start, own = model.starting_point(name, content)
        options = component.options(start | own)
        text = json.dumps(options.model_dump(mode="json"))
        back = model.model_validate(json.loads(text))
        require(back == options, f"{name or 'the defaults'} come back from JSON as {back!r}, not {options!r}.")


CHECKS = (
    Check("torch-free-spec", "Importing the plugin's module imports no torch.", torch_free),
    Check(
        "options-described",
        "Options have descriptions and defaults; unknown ones are refused.",
        options_described,
    ),
    Check("options-round-trip", "Options and presets are valid and survive JSON.", options_round_trip),
)


def same_bits(a: Any, b: Any) -> bool:
    """Return whether two tensors are equal in every bit (NaN equal to itself)."""
    import torch

    return a.shape == b.shape and a.dtype == b.dtype and bool(torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)))


def module_checks(make: Make) -> tuple[Check, ...]:
    """Return the checks of a torch module that ``make`` builds, in evaluation mode and with example inputs."""

    def each(run: Callable[[Make, Component, Problem, str], None]) -> Callable[[Component], None]:
        def check(component: Component) -> None:
            for problem in problems_for(component):
                run(make, component, problem, describe(problem))

        return functools.wraps(run)(check)

    return (
        Check("same-seed-same-module", "Two builds under one seed have equal weights and results.", each(_same_seed)),
        Check("repeats", "Called twice in evaluation mode it gives the same bits.", each(_repeats)),
        Check("input-unchanged", "It leaves its inputs as they are.", each(_input_unchanged)),
        Check("float32", "Weights and results are float32.", each(_float32)),
        Check("device", "All its tensors move with it to another device.", each(_device)),
        Check("pickle", "A pickled copy gives the same bits (dask sends it to workers).", each(_pickles)),
    )


def call(module: torch.nn.Module, inputs: tuple[Any, ...]) -> torch.Tensor:
    """Call without gradients, on copies of the inputs, so that a module that changes them can't mislead a check."""
    import torch

    with torch.no_grad():
        result: torch.Tensor = module(*copy.deepcopy(inputs))
        return result


def _same_seed(make: Make, component: Component, problem: Problem, case: str) -> None:
    (one, inputs), (two, _) = make(component, problem), make(component, problem)
    for (name, a), b in zip(one.state_dict().items(), two.state_dict().values(), strict=True):
        require(same_bits(a, b), f"{case}: {name} differs between two builds under one seed.")
    require(same_bits(call(one, inputs), call(two, inputs)), f"{case}: two builds under one seed give two results.")


def _repeats(make: Make, component: Component, problem: Problem, case: str) -> None:
    module, inputs = make(component, problem)
    require(same_bits(call(module, inputs), call(module, inputs)), f"{case}: two calls with one input differ.")


def _input_unchanged(make: Make, component: Component, problem: Problem, case: str) -> None:
    import torch

    module, inputs = make(component, problem)
    before = copy.deepcopy(inputs)
    with torch.no_grad():
        module(*inputs)
    for i, (a, b) in enumerate(zip(_tensors(before), _tensors(inputs), strict=True)):
        require(same_bits(a, b), f"{case}: it changes its input {i} in place.")


def _float32(make: Make, component: Component, problem: Problem, case: str) -> None:
    import torch

    module, inputs = make(component, problem)
    for name, value in module.state_dict().items():
        kind = value.dtype
        require(kind == torch.float32 or not kind.is_floating_point, f"{case}: {name} is {kind}, not float32.")
    result = call(module, inputs)
    require(result.dtype == torch.float32, f"{case}: the result is {result.dtype}, not float32.")


def _device(make: Make, component: Component, problem: Problem, case: str) -> None:
    import torch

    module, inputs = make(component, problem)
    for path, part in module.named_modules():
        for name, value in vars(part).items():
            where = ".".join(filter(None, (path, name)))
            require(not isinstance(value, torch.Tensor), f"{case}: {where} stays behind; register it as a buffer.")
    for name, value in copy.deepcopy(module).to("meta").state_dict().items():
        require(value.device.type == "meta", f"{case}: {name} stays behind on {value.device}.")
    if torch.cuda.is_available():
        moved = call(module.to("cuda"), _to(inputs, "cuda"))
        require(moved.device.type == "cuda", f"{case}: on CUDA the result lies on {moved.device}.")


def _pickles(make: Make, component: Component, problem: Problem, case: str) -> None:
    module, inputs = make(component, problem)
    twin = pickle.loads(pickle.dumps(module))
    require(same_bits(call(module, inputs), call(twin, inputs)), f"{case}: a pickled copy gives another result.")


def _tensors(inputs: Any) -> list[torch.Tensor]:
    import torch

    if isinstance(inputs, torch.Tensor):
        return [inputs]
    return [t for part in inputs for t in _tensors(part)] if isinstance(inputs, (tuple, list)) else []


def _to(inputs: Any, device: str) -> Any:
    import torch

    if isinstance(inputs, torch.Tensor):
        return inputs.to(device)
    return tuple(_to(part, device) for part in inputs) if isinstance(inputs, (tuple, list)) else inputs


def gradients(module: torch.nn.Module, value: torch.Tensor, case: str) -> None:
    """Go back from a scalar and require that every weight has a finite gradient, not all of them zero."""
    import torch

    module.zero_grad()
    value.backward()  # type: ignore[no-untyped-call]
    found = {name: p.grad for name, p in module.named_parameters() if p.requires_grad}
    for name, gradient in found.items():
        require(gradient is not None, f"{case}: no gradient reaches {name}.")
        require(bool(torch.isfinite(gradient).all()), f"{case}: the gradient of {name} is not finite.")  # type: ignore[arg-type]
    require(
        not found or any(bool(g.any()) for g in found.values() if g is not None), f"{case}: every gradient is zero."
    )
