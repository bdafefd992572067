import io
import sys

import click
import pytest
from rich.table import Table

from mesofuse.console import terminal

HOSTILE = "po\x1b[31mre\x07\u202e[/][red]"


def stream(encoding: str = "utf-8") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)


def shown(out: io.TextIOWrapper) -> str:
    return out.buffer.getvalue().decode(out.encoding)  # type: ignore[attr-defined]


def test_prints_and_echoes_are_guarded_and_the_streams_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    out = stream()
    monkeypatch.setattr(sys, "stdout", out)
    with terminal.guarded():
        print(f"a {HOSTILE}")
        click.echo(f"b\t{HOSTILE}")
        sys.stdout.writelines(["c\x00\n"])
    assert sys.stdout is out
    # Where there is no terminal, click takes out what it knows as colours before.
    assert shown(out) == "a po\\x1b[31mre\\x07\\u202e[/][red]\nb\tpore\\x07\\u202e[/][red]\nc\\x00\n"


@pytest.mark.parametrize(
    ("encoding", "text"), [("ascii", "2 x 3 um -> inf ?\n"), ("latin-1", "2 × 3 µm -> inf ?\n"), ("utf-8", None)]
)
def test_characters_that_a_terminal_lacks_are_replaced(
    encoding: str, text: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = stream(encoding)
    monkeypatch.setattr(sys, "stdout", out)
    with terminal.guarded():
        click.echo("2 × 3 µm → ∞ 孔")
    assert shown(out) == (text or "2 × 3 µm → ∞ 孔\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_tables_show_names_as_they_are(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out = stream(encoding)
    monkeypatch.setattr(sys, "stdout", out)
    with terminal.guarded():
        table = Table(header_style="bold")
        table.add_column(f"of {HOSTILE}")
        table.add_row(HOSTILE + " ± 3")
        console = terminal.console()
        console.print(table)
        console.print(HOSTILE)
    text = shown(out)
    assert text.count("po\\x1b[31mre\\x07") == 3
    assert "[/][red]" in text
    assert "\x1b" not in text
    assert "\x07" not in text


def test_colours_are_written_where_there_is_a_terminal_names_are_not_obeyed() -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    guard = terminal.Guard(screen)
    console = terminal.console(guard, width=80)
    console.print(f"{HOSTILE} here", style="bold")
    assert "\x1b[1m" in screen.getvalue()
    assert "\x1b[31m" not in screen.getvalue()
    assert terminal.unguarded(guard) is screen
    assert terminal.unguarded(screen) is screen


def test_a_file_or_a_pipe_has_no_sides() -> None:
    assert terminal.console(io.StringIO()).width == 200


def test_bytes_are_refused() -> None:
    with pytest.raises(TypeError):
        terminal.Guard(io.StringIO()).write(b"raw")  # type: ignore[arg-type]
