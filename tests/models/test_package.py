import json

import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.models import package as package_module
from mesofuse.models.package import load_package, save_package

PROVENANCE = {"seed": 3, "created": "2026-01-01", "inputs": {"low_res": "ab"}, "versions": {"torch": "2"}}


@pytest.fixture(scope="module")
def made(tiny_model):
    return tiny_model()


@pytest.fixture
def path(made, tmp_path):
    model, options = made
    save_package(tmp_path / "model", model, "superres", options, PROVENANCE)
    return tmp_path / "model"


def edit(path, **changes):
    record = json.loads((path / "model.json").read_text())
    (path / "model.json").write_text(json.dumps({**record, **changes}))


def redigest(path, **changes):
    edit(path, **changes)
    record = json.loads((path / "model.json").read_text())
    edit(path, digest=package_module._digest(record))


def test_what_is_loaded_is_what_was_saved(made, path):
    model, options = made
    loaded = load_package(path)
    assert (loaded.method, loaded.options, loaded.provenance, loaded.warning) == ("superres", options, PROVENANCE, "")
    assert loaded.model.problem == model.problem
    assert (loaded.model.tile, loaded.model.halo, loaded.model.scale) == (model.tile, model.halo, model.scale)
    for key, value in model.state().items():
        np.testing.assert_array_equal(loaded.model.state()[key], value)
    assert [p.name for p in path.parent.iterdir()] == ["model"]


def test_the_digest_names_the_model_not_its_history(made, path, tiny_model):
    model, options = made
    save_package(path.with_name("again"), model, "superres", options, {"seed": 4, "created": "2027"})
    assert load_package(path.with_name("again")).digest == load_package(path).digest
    other, _ = tiny_model(seed=1)
    save_package(path.with_name("other"), other, "superres", options, PROVENANCE)
    assert load_package(path.with_name("other")).digest != load_package(path).digest


def test_the_card_says_what_it_is(path):
    card = (path / "README.md").read_text()
    for words in ("superres", "4 × 4 × 4", "| seed | 3 |", "mesofuse generate", "| phase 1 | phase 1, phase 2 |"):
        assert words in card


def test_the_tile_is_the_one_it_was_saved_with(made, tmp_path):
    model, options = made
    before, model.tile = model.tile, (5, 6, 7)
    try:
        save_package(tmp_path / "model", model, "superres", options, {})
    finally:
        model.tile = before
    assert load_package(tmp_path / "model").model.tile == (5, 6, 7)


def test_nothing_is_overwritten(made, path):
    model, options = made
    before = (path / "model.json").read_bytes()
    with pytest.raises(UserError, match="exists already"):
        save_package(path, model, "superres", options, {})
    assert (path / "model.json").read_bytes() == before


def test_a_failed_save_leaves_nothing(made, tmp_path, monkeypatch):
    model, options = made
    monkeypatch.setattr(package_module, "model_card", lambda record: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_package(tmp_path / "model", model, "superres", options, {})
    assert not list(tmp_path.iterdir())


def weights_cut(path):
    data = (path / "weights.safetensors").read_bytes()
    (path / "weights.safetensors").write_bytes(data[: len(data) // 2])


def weights_changed(path):
    data = bytearray((path / "weights.safetensors").read_bytes())
    data[-1] ^= 1
    (path / "weights.safetensors").write_bytes(data)


DAMAGES = {
    "is not the file that was saved": weights_cut,
    "SHA-256": weights_changed,
    "holds no weights.safetensors": lambda path: (path / "weights.safetensors").unlink(),
    "holds no model.json": lambda path: (path / "model.json").unlink(),
    "model.json is damaged": lambda path: (path / "model.json").write_text('{"format": 1, "meth'),
    "is damaged (it lacks 'method')": lambda path: (path / "model.json").write_text('{"format": 1, "digest": ""}'),
    "is damaged (it holds a list": lambda path: (path / "model.json").write_text("[1, 2]"),
    "damaged ('utf-8'": lambda path: (path / "model.json").write_bytes(b"\xff\xfe{"),
    "changed by hand": lambda path: edit(path, tile=[8, 8, 8]),
    "format 2, but this release reads format 1": lambda path: edit(path, format=2),
    "There is no method 'superess'. Did you mean 'superres'?": lambda path: redigest(path, method="superess"),
}


@pytest.mark.parametrize("words", DAMAGES)
def test_a_damaged_package_is_refused_in_one_sentence(path, words):
    DAMAGES[words](path)
    with pytest.raises(UserError) as caught:
        load_package(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_package(tmp_path):
    with pytest.raises(UserError, match="There is no model package"):
        load_package(tmp_path / "none")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="is not a model package"):
        load_package(tmp_path / "file")


def test_weights_of_another_network_are_refused(path):
    options = json.loads((path / "model.json").read_text())["options"]
    options["generator"]["channels"] = 8
    redigest(path, options=options)
    with pytest.raises(UserError, match="do not fit the generator"):
        load_package(path)


def another(change):
    """Return a `_test_labels` whose plugin computes something else."""
    original = package_module._test_labels
    return lambda model: change(original(model))


def test_a_plugin_that_computes_something_else_is_refused(path, monkeypatch):
    # Mirrored: the same counts of every phase, but another volume.
    monkeypatch.setattr(package_module, "_test_labels", another(lambda labels: labels[::-1].copy()))
    with pytest.raises(UserError, match=r"fails its self-test: \d+\.\d % of the voxels"):
        load_package(path)
    assert load_package(path, self_test=False).warning == ""


def few(labels):
    labels = labels.copy()
    labels[0, 0, :3] = (labels[0, 0, :3] + 1) % 3
    return labels


def test_a_few_different_voxels_warn(path, monkeypatch):
    monkeypatch.setattr(package_module, "_test_labels", another(few))
    assert "0.022 % of the voxels differ" in load_package(path).warning
    (path / "self_test.safetensors").write_bytes(b"cut")
    with pytest.raises(UserError, match="missing or damaged"):
        load_package(path)
