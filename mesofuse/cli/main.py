"""The command line's door: which command lies in which file, and how a failure is reported."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

import mesofuse
from mesofuse.console.terminal import guarded
from mesofuse.errors import UserError, nearest
from mesofuse.printable import printable
from mesofuse.signals import exit_code, terminating

# Command -> (where it is defined, short help). A file is imported when its command is called, never for --help.
COMMANDS = {
    "fuse": ("mesofuse.cli.fuse:command", "Make one volume from a sharp image and a blurry volume."),
    "preflight": ("mesofuse.cli.preflight:command", "Check that an image and a volume fit each other."),
    "import": ("mesofuse.cli.import_:command", "Turn an image or a stack into a labelled volume."),
    "info": ("mesofuse.cli.info:command", "Show shape, voxel size, phases and storage of a volume."),
    "check": ("mesofuse.cli.check:command", "Say whether a stored volume is whole, and what mends it."),
    "export": ("mesofuse.cli.export:command", "Write a volume as TIFF, npy or VTI."),
    "plan": ("mesofuse.cli.plan:command", "Say what a generation will take: tiles, memory, disk and time."),
    "train": ("mesofuse.cli.train:command", "Train a model from a configuration."),
    "model": ("mesofuse.cli.model:command", "Make a model from weights that a published program trained."),
    "generate": ("mesofuse.cli.generate:command", "Make a volume of any size with a trained model."),
    "realisations": ("mesofuse.cli.realisations:command", "Make several volumes of one model; show their spread."),
    "measure": ("mesofuse.cli.measure:command", "Measure volumes, and compare them with a reference."),
    "consistency": ("mesofuse.cli.consistency:command", "Map where a result does not show its scan."),
    "compare": ("mesofuse.cli.compare:command", "Run methods under one budget and hold them against each other."),
    "report": ("mesofuse.cli.report:command", "Write a run or a comparison as one HTML file, and its figures."),
    "degrade": ("mesofuse.cli.degrade:command", "Simulate the scan of a known volume, to test a fusion with."),
    "render": ("mesofuse.cli.render:command", "Draw slices of volumes side by side."),
    "demo": ("mesofuse.cli.demo:command", "Run the whole job on a made-up electrode whose truth is known."),
    "plugins": ("mesofuse.cli.plugins:command", "List, show and check what the plugins supply."),
    "schema": ("mesofuse.cli.schema:command", "Print the JSON Schemas of the configuration files."),
    "doctor": ("mesofuse.cli.doctor:command", "Check versions, devices, plugins and storage."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of a job, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, naming the nearest where there is none."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            ctx.fail(f"There is no command {name!r}.{nearest(name, COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
@click.version_option(mesofuse.__version__, prog_name="mesofuse")
def command(debug: bool) -> None:
    """Fuse a sharp 2D micrograph and a blurry 3D scan into one volume, and measure it.

    \b
    Example:
      mesofuse fuse --low-res scan.tif --high-res sem.tif --scale 4 --out runs/first
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    0: done. 1: the machine failed, or a check did. 2: the user's mistake. 130: interrupted. 143: ended by SIGTERM.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in args  # wherever it stands: people add it at the end of the line that failed
    with guarded():
        return _run([a for a in args if a != "--debug"], debug)


def _run(args: list[str], debug: bool) -> int:
    """Run the command line, say what failed, and return the exit code."""
    try:
        with terminating():
            result = command.main(args, prog_name="mesofuse", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt) as error:
        return _say("Interrupted.", exit_code(error), debug)
    except UserError as error:
        return _say(f"Error: {error}", 2, debug)
    except BrokenPipeError:
        # The reader (head, less) has seen enough; keep Python from complaining when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError:
        return _say("Error: There is not enough memory; `mesofuse plan` says what a job needs.", 1, debug)
    except OSError as error:
        return _say(f"Error: {_os_sentence(error)}", 1, debug)
    except Exception as error:
        text = f"Error: mesofuse itself failed ({type(error).__name__}: {error}); add --debug to see where."
        return _say(text, 1, debug)


def _say(text: str, code: int, debug: bool) -> int:
    """Print one line on stderr, after the traceback where one is wanted, and return the exit code."""
    if debug:
        import traceback

        traceback.print_exc()
    click.echo(printable(" ".join(text.split())), err=True)
    return code


def _os_sentence(error: OSError) -> str:
    """Return what the operating system refused, as one sentence."""
    name = error.filename or "a file"
    reasons = {
        errno.ENOSPC: f"The disk is full; writing {name} failed: free some space or choose another folder.",
        errno.EDQUOT: f"The disk quota is used up; writing {name} failed: free some space or choose another folder.",
        errno.EMFILE: f"Too many files are open at once, and {name} is one more; allow more with `ulimit -n 1024`.",
        errno.EROFS: f"{name} lies on a disk that can't be written to; choose another folder.",
        errno.EACCES: f"There is no permission to open {name}; change its permissions or choose another path.",
        errno.EPERM: f"The system does not permit using {name}; choose another path.",
        errno.ENOENT: f"{name} does not exist.",
        errno.EISDIR: f"{name} is a folder where a file was expected.",
        errno.ENOTDIR: f"{name} lies below something that is not a folder.",
    }
    return reasons.get(error.errno or 0, f"{name}: {error.strerror or error}.")


if __name__ == "__main__":
    sys.exit(main())
