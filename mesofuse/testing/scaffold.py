"""Writing a new plugin: an installable, tested distribution of one component, from the templates next to this file."""

from __future__ import annotations

import importlib.util
import keyword
import re
from importlib.resources import files
from pathlib import Path
from string import Template

from mesofuse.errors import UserError, nearest
from mesofuse.interfaces.component import KINDS, Kind
from mesofuse.volumes.files import check_free, replacing

LONGEST = 30  # so that no line of a template passes 120 characters
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
SUMMARIES: dict[Kind, str] = {
    "generator": "One up-sampling between two convolutions, with noise on the fine grid.",
    "critic": "Mean score of small patches, from three convolutions.",
    "loss": "Squared difference of volume fractions from the image's.",
    "degradation": "Mean over each scan voxel, whole scale factors.",
    "metric": "Share of voxel faces at which two phases meet.",
    "method": "Phases drawn at random among those that each scan voxel shows.",
}
NEEDS: dict[Kind, tuple[str, ...]] = {"metric": ("numpy>=2.0",), "method": ("numpy>=2.0",)}
FUSE = "mesofuse fuse --low-res scan.tif --high-res sem.tif --scale 4 --out runs/first "
USAGES: dict[Kind, str] = {
    "generator": FUSE + "--set generator.name=$name",
    "critic": FUSE + "--preset slim --set critic.name=$name",
    "loss": FUSE + "--set 'losses=[{name: patterns}, {name: voxelwise}, {name: $name}]'",
    "degradation": FUSE + "--set degradation.name=$name",
    "metric": "mesofuse measure fused.zarr --metrics $name",
    "method": FUSE + "--method $name",
}


def new_plugin(name: str, kind: Kind, folder: Path) -> list[Path]:
    """Write a distribution called ``name`` that supplies one component of that name and kind.

    Args:
        name: Lower-case words of letters and digits joined by hyphens; the package's name has underscores instead.
        kind: What it supplies.
        folder: Where to write it; must not exist.

    Returns:
        The files, relative to ``folder``.

    Raises:
        UserError: If the name is not usable or taken, or the folder exists or can't be written.
    """
    check_name(name, kind)
    check_free(folder, overwrite=False)
    texts = plugin_files(name, kind)
    try:
        with replacing(folder) as temporary:
            for path, text in texts.items():
                (temporary / path).parent.mkdir(parents=True, exist_ok=True)
                (temporary / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{folder} can't be written: {error.strerror or error}.") from None
    return [Path(path) for path in texts]


def check_name(name: str, kind: str) -> None:
    """Raise unless a plugin of that name and kind can be written and installed.

    Raises:
        UserError: If the name is malformed, or that of a component, a package or a word of Python, or there is no such
            kind.
    """
    if kind not in KINDS:
        raise UserError(f"{kind!r} is not a kind of component.{nearest(kind, KINDS)}")
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        made = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:LONGEST].strip("-")
        hint = f", for example {made}" if NAME.fullmatch(made) else ", for example fine-detail"
        raise UserError(
            f"The name {name!r} is not usable: take at most {LONGEST} lower-case letters and digits, a letter first, "
            f"words joined by hyphens{hint}."
        )
    from mesofuse.registry import get_registry

    for component in get_registry().components(kind):
        if component.spec.name == name:
            raise UserError(f"The {kind} {name!r} is supplied by {component.distribution} already; take another name.")
    package = name.replace("-", "_")
    if keyword.iskeyword(package) or importlib.util.find_spec(package) is not None:
        raise UserError(
            f"The name {name!r} is not usable: {package!r} is a word of Python or a package that is installed; take "
            f"another, for example my-{name[: LONGEST - 3].rstrip('-')}."
        )


def plugin_files(name: str, kind: Kind) -> dict[str, str]:
    """Return the texts of a new distribution by path, without writing anything."""
    package = name.replace("-", "_")
    dependencies = ["mesofuse", "pydantic>=2.9", *NEEDS.get(kind, ("torch>=2.6",))]
    values = {
        "name": name,
        "package": package,
        "title": "".join(word.capitalize() for word in name.split("-")),
        "kind": kind,
        "summary": SUMMARIES[kind],
        "usage": Template(USAGES[kind]).substitute(name=name),
        "dependencies": ", ".join(f'"{d}"' for d in dependencies),
    }
    templates = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"src/{package}/__init__.py": "__init__.py",
        f"src/{package}/plugin.py": "plugin.py",
        f"src/{package}/options.py": f"{kind}_options.py",
        f"src/{package}/{kind}.py": f"{kind}.py",
        f"tests/test_{kind}.py": f"test_{kind}.py",
    }
    room = files("mesofuse.testing") / "templates"
    return {
        path: Template((room / f"{template}.template").read_text(encoding="utf-8")).substitute(values)
        for path, template in templates.items()
    }
