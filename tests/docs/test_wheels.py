"""The wheels of all distributions, installed where none of the sources is: a working tool, and the core alone."""

import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DISTRIBUTIONS = [ROOT, *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]
NEEDED = ("pyproject.toml", "README.md", "LICENSE", "mesofuse", "src")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory, pip):
    """Build each wheel from a copy of its sources, as building leaves files behind."""
    place = tmp_path_factory.mktemp("wheels")
    for folder in DISTRIBUTIONS:
        copy = place / "sources" / folder.name
        copy.mkdir(parents=True)
        for name in NEEDED:
            if (folder / name).is_dir():
                shutil.copytree(folder / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif (folder / name).exists():
                shutil.copy(folder / name, copy / name)
        pip("wheel", "--no-build-isolation", "--wheel-dir", place / "built", copy)
    return sorted((place / "built").iterdir())


def environment(folder, wheels, pip):
    """Return the Python of an environment with these wheels, and other packages as links to those of the tests."""
    venv.create(folder, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if "mesofuse" not in package.name.lower() and package.suffix != ".pth":
            (site / package.name).symlink_to(package)
    pip("install", "--target", site, *wheels)
    return folder / "bin" / "python"


def run(python, *args, **options):
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MESOFUSE_PLUGINS")}
    return subprocess.run([python, *map(str, args)], capture_output=True, text=True, env=env, **options)


@pytest.mark.slow
def test_all_wheels_make_a_working_tool(tmp_path, wheels, pip):
    assert len(wheels) == len(DISTRIBUTIONS)
    python = environment(tmp_path / "all", wheels, pip)
    script = (ROOT / "examples" / "front_door.py").read_text(encoding="utf-8")
    (tmp_path / "front_door.py").write_text(script, encoding="utf-8")
    done = run(python, "front_door.py", "--size", "64", "--steps", "2", "--out", "a.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.png").exists()
    where = run(python, "-c", "import mesofuse; print(mesofuse.__file__)", cwd=tmp_path)
    assert str(tmp_path) in where.stdout
    assert "superres" in run(python, "-m", "mesofuse", "plugins", "list", cwd=tmp_path).stdout
    made = run(python, "-m", "mesofuse", "plugins", "new", "mine", "--kind", "metric", cwd=tmp_path)
    assert made.returncode == 0, made.stderr


@pytest.mark.slow
def test_the_core_alone_says_what_is_missing(tmp_path, wheels, pip):
    core = [wheel for wheel in wheels if wheel.name.startswith("mesofuse-")]
    python = environment(tmp_path / "core", core, pip)
    code = "import mesofuse as mf, numpy as np; mf.measure(np.eye(8, dtype=int), 'volume-fraction')"
    done = run(python, "-c", code, cwd=tmp_path)
    assert done.returncode == 1
    assert "pip install 'mesofuse[all]'" in done.stderr.splitlines()[-1]
