import errno
import os
import re
import subprocess
import sys
import time
from importlib import import_module

import click
import pytest

from mesofuse.cli import main as cli
from mesofuse.cli.main import COMMANDS, main
from mesofuse.errors import UserError


def fail_with(monkeypatch, error):
    """Make the command `info` fail with `error`."""

    @click.command()
    def command():
        raise error

    monkeypatch.setattr(cli, "import_module", lambda name: type("module", (), {"command": command}))


def test_help_is_quick_and_imports_nothing_heavy():
    code = (
        "import sys\nfrom mesofuse.cli.main import main\ncode = main(['--help'])\n"
        "heavy = {'torch', 'zarr', 'numpy', 'dask', 'rich', 'scipy', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(f'{code} {heavy}' if code or heavy else 0)"
    )
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in COMMANDS)
    assert seconds < 2.0  # 0.1 s on a quiet machine; the bound leaves room for a busy one


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_imports_and_shows_an_example(name, capsys):
    module, _, attribute = COMMANDS[name][0].partition(":")
    assert isinstance(getattr(import_module(module), attribute), click.Command)
    assert main([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert re.search(rf"^  Examples?:\n +mesofuse {name}", out, re.MULTILINE), out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert "0.1.0" in capsys.readouterr().out


def test_misspelt_command_offers_the_nearest(capsys):
    assert main(["plguins"]) == 2
    assert "Did you mean 'plugins'?" in capsys.readouterr().err


def test_misspelt_option_offers_the_nearest(capsys):
    assert main(["--versoin"]) == 2
    assert "--version" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (UserError("The scale is\nwrong."), 2, "Error: The scale is wrong.\n"),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (PermissionError(errno.EACCES, "denied", "out.zarr"), 1, "permission to open out.zarr"),
        (OSError(errno.ENOSPC, "full", "out.zarr"), 1, "The disk is full; writing out.zarr failed"),
        (OSError(errno.EROFS, "read-only", "out.zarr"), 1, "can't be written to"),
        (OSError("odd"), 1, "odd"),
        (MemoryError(), 1, "not enough memory"),
        (ZeroDivisionError("by zero"), 1, "ZeroDivisionError: by zero); add --debug"),
    ],
)
def test_failures_are_one_sentence_without_traceback(monkeypatch, capsys, error, code, text):
    fail_with(monkeypatch, error)
    assert main(["info"]) == code
    err = capsys.readouterr().err
    assert text in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("args", [["--debug", "info"], ["info", "--debug"]])
def test_debug_shows_the_traceback(monkeypatch, capsys, args):
    fail_with(monkeypatch, UserError("wrong"))
    assert main(args) == 2
    assert "Traceback" in capsys.readouterr().err


def test_exit_code_of_a_command_passes_through(monkeypatch):
    fail_with(monkeypatch, click.exceptions.Exit(1))
    assert main(["info"]) == 1


@pytest.mark.parametrize("lines", [1, 1000])
def test_broken_pipe_is_quiet(lines):
    code = (
        "import sys, click\nfrom mesofuse.cli import main as cli\n"
        f"@click.command()\ndef command():\n    [print('x' * 1000) for _ in range({lines})]\n"
        "cli.import_module = lambda name: type('m', (), {'command': command})\n"
        "sys.exit(cli.main(['info']))"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 1
