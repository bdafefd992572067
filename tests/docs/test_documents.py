"""README, CONTRIBUTING, the architecture and the other pages say what is so."""

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from mesofuse.cli import main
from mesofuse.interfaces.component import KINDS
from mesofuse.registry import load_registry

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md", "docs/tutorial.md", "docs/hooks.md",
         "docs/metrics.md", "docs/training.md", "docs/uncertainty.md", "docs/degradations.md", "docs/preflight.md",
         "docs/plugin_author.md", "docs/api.md", "examples/README.md", "examples/case_studies/README.md",
         "examples/minimal_plugin/README.md", "examples/third_party_plugin/README.md"]  # fmt: skip
TEXTS = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
README, ARCHITECTURE = TEXTS["README.md"], TEXTS["docs/architecture.md"]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
FIGURE = ROOT / "docs" / "figure.png"


def fenced(text):
    return re.findall(r"```(\w*)\n(.*?)```", text, re.DOTALL)


def prose(text):
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def command_lines(text):
    """Give the `mesofuse …` lines of the blocks and those in running text that are whole examples."""
    for _, block in fenced(text):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("mesofuse "):
                yield line


def inline(text):
    """Give the `mesofuse …` commands in running text and tables."""
    return re.findall(r"`(?:\.venv/bin/)?(mesofuse [a-z][^`]*)`", prose(text))


def resolve(words):
    """Follow the words down to a command and return it with what is left."""
    command, rest = main.command, words
    while isinstance(command, click.Group) and rest:
        found = command.get_command(click.Context(command), rest[0])
        assert found is not None, f"there is no command {rest[0]!r} in {' '.join(words)!r}"
        command, rest = found, rest[1:]
    return command, rest


COMMAND_LINES = [(page, line) for page, text in TEXTS.items() for line in command_lines(text)]


@pytest.mark.parametrize(("page", "line"), COMMAND_LINES)
def test_every_command_line_parses(page, line):
    command, rest = resolve(shlex.split(line)[1:])
    assert command.make_context(command.name, list(rest)).args == []


def test_there_are_command_lines():
    assert {page for page, _ in COMMAND_LINES} >= {"README.md", "docs/tutorial.md", "examples/minimal_plugin/README.md"}


@pytest.mark.parametrize(("page", "line"), [(page, line) for page, text in TEXTS.items() for line in inline(text)])
def test_every_command_in_running_text_exists_with_its_options(page, line):
    words = line.replace("…", " ").split()[1:]
    command, rest = resolve(words)
    known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help", "--debug"}
    assert {w.split("=")[0] for w in rest if w.startswith("-")} <= known


@pytest.mark.parametrize("page", PAGES)
def test_every_option_in_running_text_exists(page):
    scripts = [path.read_text() for path in ROOT.glob("benchmarks/*.py")]
    known = {"--help", "--debug", "--version", *re.findall(r'"(--[a-z-]+)"', "".join(scripts))}
    commands = [resolve([name])[0] for name in main.COMMANDS]
    for command in [*commands, *(c for g in commands if isinstance(g, click.Group) for c in g.commands.values())]:
        known |= {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
    assert {
        o for code in re.findall(r"`([^`]+)`", prose(TEXTS[page])) for o in re.findall(r"(?<!\S)--[a-z-]+", code)
    } <= known


def paths(page):
    """Give the files of this repository that a page names: links, and code that looks like a path of ours."""
    text = TEXTS[page]
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            yield ((ROOT / page).parent / target).resolve()
    roots = {p.name for p in ROOT.iterdir() if not p.name.startswith(".venv")}
    for code in re.findall(r"`([\w.*/-]+)`", prose(text)):
        if "/" in code and code.split("/")[0] in roots:
            yield ROOT / code


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page):
    named = {str(path.relative_to(ROOT)) for path in paths(page) if path != FIGURE}
    assert [name for name in named if not any(ROOT.glob(name.rstrip("/")))] == []


def test_the_figure_is_small():
    if not FIGURE.exists():
        pytest.skip("docs/figure.png comes from a run of the demo")
    assert FIGURE.stat().st_size < 300_000


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_exists(page):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = "\n".join([*re.findall(r"`([^`]+)`", prose(TEXTS[page])), *(block for _, block in fenced(TEXTS[page]))])
    assert set(re.findall(r"^make ([\w-]+)", code, re.MULTILINE)) <= targets


def test_readme_has_every_command_once():
    named = re.findall(r"^\| `mesofuse (\w+)` \|", README, re.MULTILINE)
    assert sorted(named) == sorted(main.COMMANDS)


def test_readme_has_every_component_of_ours():
    """Generators and critics belong to a method, which names them."""
    registry = load_registry()
    ours = [c for c in registry.components() if c.distribution in {p.name for p in PLUGINS}]
    assert ours
    for component in ours:
        if component.spec.kind not in ("generator", "critic"):
            assert f"`{component.spec.name}`" in README, component
    table = re.search(r"\| metric \|.*?\n\n", README, re.DOTALL)[0]
    named = re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)
    assert sorted(named) == sorted(c.spec.name for c in ours if c.spec.kind == "metric")


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda path: path.name)
def test_every_distribution_is_listed(folder):
    assert f"| `{folder.name}` |" in README
    assert f"| `plugins/{folder.name}/` |" in ARCHITECTURE


def test_contributing_gives_a_reason_for_every_dependency():
    table = re.search(r"\| package \| why \|.*?\n\n", TEXTS["CONTRIBUTING.md"], re.DOTALL)[0]
    named = {
        name for cell in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)[2:] for name in cell.strip().split(", ")
    }
    wanted = set()
    for file in (ROOT / "pyproject.toml", *(p / "pyproject.toml" for p in PLUGINS)):
        project = tomllib.loads(file.read_text())["project"]
        extras = project.get("optional-dependencies", {})
        dependencies = [*project["dependencies"], *extras.get("formats", []), *extras.get("notebook", [])]
        wanted |= {re.match(r"[\w-]+", d)[0] for d in dependencies}
    assert named == wanted - {"mesofuse"}


def test_the_extra_all_is_every_plugin():
    extra = PYPROJECT["project"]["optional-dependencies"]["all"]
    assert {name for name in extra if name.startswith("mesofuse-")} == {folder.name for folder in PLUGINS}


def test_architecture_has_every_room_in_the_order_of_the_contract():
    table = re.search(r"\| room \|.*?\n\n", ARCHITECTURE, re.DOTALL)[0]
    rows = [re.findall(r"`mesofuse/(\w+)(?:/|\.py)`", row.split("|")[1]) for row in table.strip().splitlines()[2:]]
    (layers,) = [c["layers"] for c in PYPROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers"]
    contract = [re.findall(r"mesofuse\.(\w+)", layer) for layer in layers]
    assert [sorted(row) for row in rows] == [sorted(layer) for layer in contract]
    rooms = {p.parent.name for p in ROOT.glob("mesofuse/*/__init__.py")}
    files = {p.stem for p in ROOT.glob("mesofuse/*.py")} - {"__init__"}
    assert rooms | files == {room for row in rows for room in row}


def test_architecture_has_every_kind():
    table = re.search(r"\| kind \|.*?\n\n", ARCHITECTURE, re.DOTALL)[0]
    assert re.findall(r"^\| (\w+) \|", table, re.MULTILINE)[1:] == list(KINDS)


def test_one_version_everywhere():
    versions = {tomllib.loads((p / "pyproject.toml").read_text())["project"]["version"] for p in (ROOT, *PLUGINS)}
    import mesofuse

    assert versions == {mesofuse.__version__}
    assert mesofuse.__version__ in TEXTS["CHANGELOG.md"]
