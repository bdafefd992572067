import json
from importlib import metadata

import pytest

from mesofuse.cli.doctor import examine
from mesofuse.cli.main import main
from mesofuse.registry import get_registry


def test_a_usable_machine(capsys, tmp_path):
    assert main(["doctor", "--store", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    for text in ("torch 2", "cores", "superres 0.1.0", f"{tmp_path}: works"):
        assert text in out
    assert list(tmp_path.iterdir()) == []


def test_json(capsys, tmp_path):
    assert main(["doctor", "--json", "--store", str(tmp_path)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["usable"] is True
    assert report["storage"]["written"] is True
    assert report["storage"]["free"] > 0
    assert set(report["formats"]) == {"h5py", "pynrrd", "mrcfile"}
    assert report["devices"]["cores"] >= 1
    assert {"mesofuse", "python", "torch", "zarr", "dask", "numpy"} <= report["versions"].keys()


def test_a_store_on_a_url():
    report = examine("memory://doctor")
    assert report["storage"] == {"place": "memory://doctor", "written": True, "free": None}


@pytest.mark.parametrize("make", [lambda p: p / "absent", lambda p: (p / "file").write_text("x") and p / "file"])
def test_a_store_that_is_no_folder(tmp_path, capsys, make):
    assert main(["doctor", "--store", str(make(tmp_path))]) == 1
    assert "To mend: The store" in capsys.readouterr().out


def test_a_store_that_refuses(tmp_path, monkeypatch, capsys):
    import zarr

    def refuse(*args, **kwargs):
        raise PermissionError("denied")

    monkeypatch.setattr(zarr, "create_array", refuse)
    assert main(["doctor", "--store", str(tmp_path)]) == 1
    assert f"Writing to {tmp_path} failed (denied)" in capsys.readouterr().out


def test_too_many_threads_are_a_warning(monkeypatch, tmp_path):
    import torch

    monkeypatch.setattr(torch, "get_num_threads", lambda: 1000)
    report = examine(str(tmp_path))
    assert report["usable"]
    assert any("OMP_NUM_THREADS=" in text for text in report["warnings"])


def test_without_a_method_it_says_what_to_do(monkeypatch, tmp_path):
    get_registry.cache_clear()
    monkeypatch.setenv("MESOFUSE_PLUGINS", "metrics,nonsense")
    try:
        report = examine(str(tmp_path))
    finally:
        get_registry.cache_clear()
    assert not report["usable"]
    assert any("No plugin supplies a method" in text for text in report["faults"])
    assert any("nonsense" in text for text in report["warnings"])


def test_libraries_that_only_some_formats_need_are_no_fault(monkeypatch, tmp_path, capsys):
    real = metadata.version

    def version(name):
        if name == "mrcfile":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    assert main(["doctor", "--store", str(tmp_path)]) == 0
    said = "mrcfile not installed (only some files need them: pip install 'mesofuse[formats]')"
    assert said in capsys.readouterr().out
    assert examine(str(tmp_path))["formats"]["mrcfile"] is None
