import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import nn

from mesofuse.errors import UserError
from mesofuse.pipeline.import_model import import_model, problem_for, read_weights

WIDTHS = (3, 6, 5, 3)


class Touch:
    """Unpickled, it makes a file; safe loading must not."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (Path(self.path),))


@pytest.fixture
def state():
    """A state dict as SliceGAN saves it."""
    torch.manual_seed(0)
    module = nn.Module()
    module.convs = nn.ModuleList(nn.ConvTranspose3d(a, b, 4, 2, 2, bias=False) for a, b in zip(WIDTHS, WIDTHS[1:]))  # noqa: B905, RUF007
    module.bns = nn.ModuleList(nn.BatchNorm3d(b) for b in WIDTHS[1:])
    return module.state_dict()


@pytest.fixture
def problem():
    return problem_for(["pore", "active", "binder"], [], None, None)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_package_is_made_and_loads(state, problem, prefix, tmp_path):
    torch.save({prefix + k: v for k, v in state.items()}, tmp_path / "NMC_Gen.pt")
    package = import_model("slicegan", tmp_path / "NMC_Gen.pt", tmp_path / "model", problem)
    assert package.options["generator"] == {"name": "slicegan", "latent": 3, "widths": [6, 5]}
    assert package.model.scale == (8.0, 8.0, 8.0)
    assert [p.name for p in package.model.problem.phases] == ["pore", "active", "binder"]
    assert package.provenance["imported_from"] == "NMC_Gen.pt"
    assert np.array_equal(package.model.state()["convs.0.weight"], state["convs.0.weight"].numpy())
    assert package.warning == ""


def test_safetensors_half_precision_and_the_old_format_are_read(state, tmp_path):
    torch.save({k: v.half() if v.is_floating_point() else v for k, v in state.items()}, tmp_path / "half.pt")
    torch.save(state, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    save_file({k: v.numpy() for k, v in state.items()}, tmp_path / "same.safetensors")
    for name, tolerance in (("half.pt", 1e-3), ("old.pt", 0), ("same.safetensors", 0)):
        found = read_weights(tmp_path / name)
        assert found.keys() == state.keys()
        assert found["convs.0.weight"].dtype == np.float32
        assert np.allclose(found["convs.0.weight"], state["convs.0.weight"].numpy(), atol=tolerance, rtol=0)


def test_nothing_in_a_file_is_run(state, tmp_path):
    target = tmp_path / "touched"
    torch.save({**state, "extra": Touch(target)}, tmp_path / "evil.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Touch(target)))
    torch.save(nn.Linear(2, 2), tmp_path / "module.pt")
    for name in ("evil.pt", "plain.pt", "module.pt"):
        with pytest.raises(UserError, match=r"save its state_dict\(\)"):
            read_weights(tmp_path / name)
    assert not target.exists()


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04"])
def test_other_files_are_refused(content, tmp_path):
    for name in ("a.pt", "a.safetensors"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=r"a\.(pt|safetensors) (is not|can't)"):
            read_weights(tmp_path / name)


def test_truncated_empty_and_strange_zips_are_refused(state, tmp_path):
    torch.save(state, tmp_path / "whole.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "whole.pt").read_bytes()[:-400])
    with zipfile.ZipFile(tmp_path / "zip.pt", "w") as file:
        file.writestr("hello.txt", "hello")
    torch.save({}, tmp_path / "empty.pt")
    torch.save(list(state.values()), tmp_path / "list.pt")
    torch.save({"epoch": 3, "state": state}, tmp_path / "nested.pt")
    for name in ("cut.pt", "zip.pt", "empty.pt", "list.pt", "nested.pt", "missing.pt"):
        with pytest.raises(UserError, match=name.replace(".", r"\.")):
            read_weights(tmp_path / name)


def test_diverged_weights_are_refused(state, tmp_path):
    state["convs.1.weight"][0] = float("nan")
    torch.save(state, tmp_path / "nan.pt")
    with pytest.raises(UserError, match=r"'convs.1.weight' .* not finite"):
        read_weights(tmp_path / "nan.pt")


def test_what_does_not_fit_leaves_nothing(state, problem, tmp_path):
    torch.save(state, tmp_path / "g.pt")
    out = tmp_path / "model"
    cases = [
        ("interpolation", {}, "takes no published weights; these do: .*slicegan"),
        ("slicegann", {}, "Did you mean 'slicegan'"),
        ("superres", {}, "no tensor 'conv_minus_1.weight'"),
        ("slicegan", {"generator": {"widths": [6, 4]}}, "does not fit the method"),
        ("slicegan", {"generator": {"width": 6}}, "width"),
    ]
    for method, settings, text in cases:
        with pytest.raises(UserError, match=text):
            import_model(method, tmp_path / "g.pt", out, problem, settings)
    assert not out.exists()
    out.mkdir()
    with pytest.raises(UserError, match="exists already"):
        import_model("slicegan", tmp_path / "g.pt", out, problem)


@pytest.mark.parametrize(
    ("low", "scale", "shows", "text"),
    [([], (4.0,) * 3, None, "--low-phases"), ([], None, {"a": ("b",)}, "--low-phases"), (["a"], None, None, "--scale"),
     (["a", "b", "c"], (4.0,) * 3, None, "merge phases"), (["a"], (4.0,) * 3, {"x": ("b",)}, "no phase 'x'")],
)  # fmt: skip
def test_a_problem_that_does_not_hang_together_is_refused(low, scale, shows, text):
    with pytest.raises(UserError, match=text):
        problem_for(["b", "c"], low, scale, shows)


def test_the_problem_of_a_conditional_model():
    made = problem_for(["pore", "active", "binder"], ["void", "active"], (4.0,) * 3, {"0": ("pore", "2"), "1": ("1",)})
    assert made.match.shows == ((0, 2), (1,))
    assert [p.name for p in made.low_phases] == ["void", "active"]
