import subprocess
import sys

import pytest

from mesofuse.cli.main import main


def run(capsys, *args):
    code = main(["plugins", "new", *args])
    return code, capsys.readouterr()


def test_it_writes_and_says_what_comes_next(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out = run(capsys, "fine-detail", "--kind", "critic")
    assert code == 0
    lines = out.out.splitlines()
    assert "fine-detail/src/fine_detail/critic.py" in lines
    assert all((tmp_path / line).is_file() for line in lines[: lines.index("")])
    assert [line.strip() for line in lines[lines.index("Next:") + 1 :]] == [
        "cd fine-detail",
        "pip install -e .",
        "mesofuse plugins list",
        "mesofuse plugins check fine-detail",
        "pytest",
    ]
    code, out = run(capsys, "fine-detail", "--kind", "critic")
    assert code == 2
    assert "fine-detail exists already" in out.err


def test_out_is_the_folder(capsys, tmp_path):
    assert run(capsys, "fine-detail", "--kind", "loss", "--out", str(tmp_path / "deep" / "mine"))[0] == 0
    assert (tmp_path / "deep" / "mine" / "pyproject.toml").is_file()


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["fine-detail"], "--kind"),
        (["fine-detail", "--kind", "filter"], "'generator'"),
        (["Fine", "--kind", "loss"], "for example fine."),
    ],
)
def test_mistakes_are_a_sentence(capsys, tmp_path, monkeypatch, args, text):
    monkeypatch.chdir(tmp_path)
    code, out = run(capsys, *args)
    assert code == 2
    assert text in out.err
    assert "Traceback" not in out.err
    assert list(tmp_path.iterdir()) == []


def test_it_imports_nothing_heavy(tmp_path):
    code = (
        "import sys\nfrom mesofuse.cli.main import main\n"
        "assert main(['plugins', 'new', 'fine-detail', '--kind', 'generator', '--out', sys.argv[1]]) == 0\n"
        "assert not {'torch', 'dask', 'rich', 'zarr', 'scipy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "new")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
