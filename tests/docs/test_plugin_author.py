"""The transcript of docs/plugin_author.md: every command runs, and prints what the page says."""

import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mesofuse.cli.main import main
from mesofuse.registry import get_registry
from mesofuse.testing.problems import blobs
from mesofuse.volumes.formats.catalogue import write_labels

PAGE = Path(__file__).parents[2] / "docs" / "plugin_author.md"
SMALL = {"--steps": "2"}  # of the numbers that the page gives, those that a test can't wait for


def transcript():
    """Return (command, exit code, lines that it prints) for each command of the page."""
    steps = []
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = part.splitlines()
            code = re.search(r"# exit code (\d+)$", command)
            steps.append((command.partition("#")[0].strip(), int(code[1]) if code else 0, lines))
    return steps


def says(output, lines):
    """Return whether the output is those lines, however wide their columns are; … stands for anything."""
    page, printed = (re.sub(r" +", " ", text.strip()) for text in ("\n".join(lines), output))
    return fnmatch.fnmatchcase(printed, page.replace("[", "[[]").replace("…", "*") or "*")


def test_what_differs_is_seen():
    assert says("a   b\nc\n", ["a b", "…"])
    assert not says("a b\nd\n", ["a b", "c"])


def test_the_page_goes_from_new_to_a_streamed_volume():
    commands = [" ".join(command.split()[:3]) for command, _, _ in transcript()]
    wanted = ["mesofuse plugins new", "pip install -e", "mesofuse plugins list", "mesofuse plugins check"]
    wanted += ["mesofuse fuse --low-res", "mesofuse generate runs/first/model"]
    assert [c for c in commands if c in wanted and c != wanted[3]] == [w for w in wanted if w != wanted[3]]
    assert commands.count("mesofuse plugins check") == 2


@pytest.fixture
def shell(tmp_path, monkeypatch, capsys, pip, on_path):
    """Run a command as a shell would in an empty folder with a scan and an image; returns exit code and output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # an edit within a second must not find the old bytecode
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    write_labels(blobs((9, 10, 37), 2), tmp_path / "scan.tif")
    write_labels(blobs((1, 64, 64), 3, seed=1), tmp_path / "sem.tif")

    def install(folder):
        """Do what `pip install -e` does, but in the test's folder: metadata from a build, sources where they are."""
        pip("install", "--no-build-isolation", "--target", "site", shutil.copytree(folder, tmp_path / "copy"))
        shutil.rmtree(Path("site") / folder.replace("-", "_"))
        on_path(tmp_path / "site", tmp_path / folder / "src")

    def mesofuse(*words):
        for name in [n for n in sys.modules if n.split(".")[0] == "fine_detail"]:
            del sys.modules[name]
        get_registry.cache_clear()
        words = [SMALL.get(before, word) for before, word in zip(("", *words), words, strict=False)]
        capsys.readouterr()
        code = main(words)
        out = capsys.readouterr()
        return code, out.out + (out.err if code > 1 else "")

    def run(command):
        program, *words = shlex.split(command)
        if program == "mesofuse":
            return mesofuse(*words)
        if program == "pip":
            if words[:2] == ["install", "-e"]:
                install(*words[2:])
            else:
                pip(*words, "--no-build-isolation")
            return 0, ""
        line = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words] if program == "pytest" else command
        done = subprocess.run(line, shell=program != "pytest", capture_output=True, text=True, env=os.environ)
        return done.returncode, done.stdout + done.stderr

    return run


def test_every_command_prints_what_the_page_says(shell):
    for command, code, lines in transcript():
        got, output = shell(command)
        assert got == code, f"$ {command}\n{output}"
        assert says(output, lines), f"$ {command}\n{output}\nis not\n" + "\n".join(lines)
