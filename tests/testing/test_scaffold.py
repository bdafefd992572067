import subprocess
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mesofuse.testing.scaffold as scaffold
from mesofuse.errors import UserError
from mesofuse.interfaces.component import KINDS
from mesofuse.testing.scaffold import LONGEST, check_name, new_plugin, plugin_files

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", KINDS)
def test_the_files_of_a_plugin(kind):
    texts = plugin_files("fine-detail", kind)
    assert list(texts) == [
        "pyproject.toml",
        "README.md",
        "src/fine_detail/__init__.py",
        "src/fine_detail/plugin.py",
        "src/fine_detail/options.py",
        f"src/fine_detail/{kind}.py",
        f"tests/test_{kind}.py",
    ]
    project = tomllib.loads(texts["pyproject.toml"])["project"]
    assert project["name"] == "fine-detail"
    assert project["entry-points"]["mesofuse.plugins"] == {"fine-detail": "fine_detail.plugin"}
    for command in ("pip install -e .", "mesofuse plugins list", "mesofuse plugins check fine-detail", "pytest"):
        assert f"\n{command}\n" in texts["README.md"]
    assert not [path for path, text in texts.items() if "$" in text]


def test_every_template_is_used():
    room = Path(scaffold.__file__).parent / "templates"
    kinds = {f"{part}.py.template" for kind in KINDS for part in (kind, f"{kind}_options", f"test_{kind}")}
    shared = {f"{name}.template" for name in ("pyproject.toml", "README.md", "__init__.py", "plugin.py")}
    assert {path.name for path in room.iterdir()} == kinds | shared


def test_no_template_is_left_out_of_a_wheel():
    """Hatchling takes all files of the package but those that git ignores."""
    room = Path(scaffold.__file__).parent / "templates"
    done = subprocess.run(["git", "check-ignore", *map(str, room.iterdir())], cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 128:
        pytest.skip("not a git checkout")
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Fine Detail", "for example fine-detail."),
        ("fine_detail", "for example fine-detail."),
        ("../detail", "for example detail."),
        ("-", "for example fine-detail."),
        ("", "for example fine-detail."),
        ("2d", "a letter first"),
        ("a--b", "for example a-b."),
        ("détail", "lower-case letters"),
        ("a" * (LONGEST + 1), f"at most {LONGEST}"),
        ("superres-slim", "supplied by mesofuse-superres already"),
        ("torch", "'torch' is a word of Python or a package that is installed; take another, for example my-torch."),
        ("mesofuse-superres", "'mesofuse_superres' is a word of Python or a package"),
        ("lambda", "'lambda' is a word of Python"),
        ("random", "for example my-random."),
    ],
)
def test_names_that_can_not_be_are_refused(tmp_path, name, text):
    with pytest.raises(UserError) as refused:
        new_plugin(name, "generator", tmp_path / "out")
    assert text in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40))
def test_any_name_is_taken_or_refused_in_a_sentence(name):
    try:
        check_name(name, "metric")
    except UserError as refused:
        error = str(refused)
    else:
        error = ""
    assert error.endswith(".") or name in plugin_files(name, "metric")["pyproject.toml"]


def test_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(UserError, match="Did you mean 'generator'"):
        new_plugin("fine-detail", "generater", tmp_path / "out")


def test_an_existing_folder_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(UserError, match="exists already"):
        new_plugin("fine-detail", "loss", tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "precious"


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    written = []

    def fail(path, text, encoding):
        if written:
            raise OSError(28, "No space left on device")
        written.append(path.write_bytes(text.encode(encoding)))

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(UserError, match="No space left on device"):
        new_plugin("fine-detail", "loss", tmp_path / "mine")
    assert written
    assert list(tmp_path.iterdir()) == []
