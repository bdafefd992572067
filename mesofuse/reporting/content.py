"""From what was measured to the figures and tables of a report, with captions that state conventions and units."""

from __future__ import annotations

import numpy as np

from mesofuse.comparison.columns import CONSISTENCY, IMAGE, REFERENCE, placed_image, several
from mesofuse.console.progress import duration
from mesofuse.evaluation.comparison import cell_text, curves_only, overall
from mesofuse.evaluation.consistency_map import consistency_map
from mesofuse.evaluation.footnotes import Footnotes
from mesofuse.evaluation.rounding import share
from mesofuse.evaluation.texture import TEXTURE
from mesofuse.figures import plots
from mesofuse.figures.solid import solid
from mesofuse.figures.style import styled, volume_colors
from mesofuse.interfaces.quantity import Of
from mesofuse.reporting.html import Content, Plate, Sheet
from mesofuse.reporting.source import Source, citations, provenance, training_rows
from mesofuse.reporting.viewer import Shown
from mesofuse.streaming.plan import human_bytes
from mesofuse.volumes.grid import AXES
from mesofuse.volumes.scale import seen_region

EMPTY_PHASES = ("pore", "pores", "pore space", "void", "voids", "air")
MOST_SHOWN = 4
PER_AXIS = {
    "transport-efficiency": "D_eff / D_0, the flux through a subvolume relative to that through the same box filled "
    "with the phase; 0 where it does not percolate",
    "tortuosity": "tortuosity factor τ = φ D_0 / D_eff; means of subvolumes that percolate",
    "percolation": "share of the phase that connects opposite faces of a subvolume",
}
UNITS = {
    "surface-area": "Faces between two phases as a share of all voxel faces; not corrected for the staircase, and "
    "dependent on the voxel size.",
    "specific-surface-area": "Interphase area per volume by Crofton's formula along 13 directions, free of the "
    "staircase error.",
    "triple-phase-boundary": "Length per volume of the lines where three phases meet, L_V = 2·P_A; of an image its "
    "own plane alone, which holds for isotropic material.",
    "volume-fraction": "Share of voxels.",
    "intensity-mean": "On the scale 0 to 255.",
    "intensity-deviation": "On the scale 0 to 255.",
}


def content(source: Source) -> Content:
    """Return all that the report of a source shows."""
    names = [c.name for c in source.columns]
    reference = source.columns[0].name
    colors = volume_colors(names, REFERENCE if REFERENCE in names else None, IMAGE)
    results = [name for name in names if name not in (IMAGE, REFERENCE)]
    volumes = [name for name in names if name != IMAGE]
    with styled():
        plates = [*_violins(source, colors), *_errors(source, colors, reference), *_curves(source, colors)]
        plates += [*_textures(source, colors), *_axes(source, colors), *_maps(source, results), *_training(source)]
    scan = source.inputs.low_res
    shown = [] if scan is None else [Shown("scan", scan, "scan")]
    shown += [Shown(name, source.labels[name]) for name in [*results[:MOST_SHOWN], *volumes[:1]] if name in volumes]
    shown = list({one.name: one for one in shown}.values())
    others = (placed_image(source.inputs, 1), placed_image(source.inputs, 2)) if several(source.inputs) else None
    shown.append(Shown("sharp image", source.labels[IMAGE], "image", others))
    phases = source.inputs.problem.phases
    hidden = next((p.value for p in phases if p.name.lower() in EMPTY_PHASES), None)
    solids = []
    for name in volumes[: MOST_SHOWN + 1]:
        png, how = solid(source.labels[name], hidden)
        solids.append((name, png, how + (f", without {phases[hidden].name}" if hidden is not None else "")))
    notes = [f"{c.name}: {m} was not measured. {why}" for c in source.columns for m, why in c.skipped.items()]
    notes += list(source.inputs.notes)
    if len(results) > MOST_SHOWN:
        notes.append(f"The slices of {', '.join(results[MOST_SHOWN:])} are left out to keep the page small.")
    kind = "Comparison" if len(results) > 1 or source.usage else "Reconstruction"
    factors = " × ".join(f"{s:g}" for s in source.inputs.problem.scale)
    scale = "made from the image alone" if scan is None else f"scale factor {factors}"
    shape = " × ".join(map(str, source.labels[results[0]].grid.shape)) if results else ""
    grid = source.labels[results[0]].grid
    voxel = f" of {grid.voxel_size[0]:.4g} {grid.symbol}" if grid.known else ""
    return Content(
        title=f"{kind}: {source.folder.resolve().name}",
        lead=f"{', '.join(results)}: {shape} voxels{voxel}, {scale}; errors are against the {reference}.",
        shown=tuple(shown),
        sheets=tuple(_sheets(source, reference)),
        plates=tuple(plates),
        solids=tuple(solids),
        checks=source.preflight,
        provenance=provenance(source),
        citations=citations(source),
        notes=tuple(notes),
    )


def _many(source: Source) -> str:
    size = source.config.size
    parts = f"patches of {size}²" if source.inputs.fusion.axes == (0,) else f"subvolumes of {size}³"
    return f"{source.config.subvolumes} random {parts} voxels, the same places in each volume"


def _images(source: Source) -> str:
    """Name what the pluses are of."""
    groups = source.inputs.fusion.groups
    if len(groups) == 1:
        return "the image"
    normals = "; ".join("normal to " + ", ".join(axes) for axes in groups)
    return (
        f"each image ({normals}), averaged over the three axes; "
        "quantities marked (normal to …) are of patches of these planes, in volumes too"
    )


def _violins(source: Source, colors: dict[str, str]) -> list[Plate]:
    volumes = [c.sampled for c in source.columns if c.name != IMAGE]
    image = next(c.sampled for c in source.columns if c.name == IMAGE)
    metrics = dict.fromkeys(key[0] for v in volumes for key in v.values)
    return [
        Plate(
            f"violins-{metric}", f"{metric.replace('-', ' ').capitalize()} in subvolumes",
            f"Distributions over {_many(source)}, all violins of one width; lines are means, black pluses the mean of "
            f"{source.config.subvolumes} random patches of {source.config.size}² pixels of {_images(source)}. "
            f"{UNITS.get(metric, '')}",
            plots.violins(volumes, image, metric, colors),
        )
        for metric in metrics if metric not in PER_AXIS and metric != "chord-length"
    ]  # fmt: skip


def _textures(source: Source, colors: dict[str, str]) -> list[Plate]:
    whole = [c.whole for c in source.columns if c.name != IMAGE]
    there = [m for m in whole if any(r.metric == TEXTURE for r in m.results)]
    if not there:
        return []
    image = next((c.whole for c in source.columns if c.name == IMAGE), None)
    text = (
        "How unlike the small patterns of labels are in the planes of each whole volume and in the image: "
        "Jensen–Shannon divergence of their histograms, 0 where they are alike, 1 where they have none in common. A "
        "pattern is a few pixels that lie the spacing apart. Dashed: what parts of the image, as large as the volume, "
        "score against the rest of it, below which no result can be expected."
    )
    figure = plots.textures(there, image, TEXTURE, colors, "divergence / bit")
    return [Plate(TEXTURE, "Distance of texture from the image", text, figure)]


def _errors(source: Source, colors: dict[str, str], reference: str) -> list[Plate]:
    if not any(e.relative is not None for line in source.lines for e in line.entries):
        return []
    names = [c.name for c in source.columns]
    text = (
        f"Relative error of the mean over {_many(source)}, with its 95 % interval. Dark band: the 95 % interval of the "
        f"{reference}'s own mean, below which no error can be told from none. Light band: one standard deviation "
        f"between single subvolumes of the {reference}. Triangles stand for errors beyond ± {plots.FARTHEST} %, which "
        "the table has."
    )
    return [
        Plate("errors", f"Errors against the {reference}", text, plots.errors(source.lines, names, colors, reference))
    ]


def _curves(source: Source, colors: dict[str, str]) -> list[Plate]:
    volumes = [s for name, s in source.curves.items() if name != IMAGE]
    image = source.curves.get(IMAGE)
    count = len(volumes[0].regions) if volumes else 0
    bands = f"Means over {count} random subvolumes, bands of one standard deviation between them; dashed: the image."
    plates = []
    if any(key[0] == "two-point-correlation" for v in volumes for key in v.curves):
        text = (
            f"S2(r), the probability that two points r apart both lie in the phase, averaged over directions. {bands}"
        )
        figure = plots.curves(volumes, image, "two-point-correlation", "radial", colors, "S2")
        plates.append(Plate("two-point-correlation", "Two-point correlation", text, figure))
        for axis in AXES if several(source.inputs) else ():
            text = f"S2 along {axis} alone. {bands.replace('the image', f'the images whose planes hold {axis}')}"
            figure = plots.curves(volumes, image, "two-point-correlation", axis, colors, "S2")
            plates.append(Plate(f"two-point-correlation-{axis}", f"Two-point correlation along {axis}", text, figure))
    if any(key[0] == "chord-length" for v in volumes for key in v.curves):
        text = (
            f"Density of the lengths of lines within the phase, along the three axes together; chords cut by a "
            f"subvolume's side are left out. {bands}"
        )
        figure = plots.curves(volumes, image, "chord-length", "axes", colors, "density")
        plates.append(Plate("chord-length", "Chord lengths", text, figure))
    if any(key[0] == "variogram" for v in volumes for key in v.curves):
        text = f"Half the mean squared difference of voxels at a distance along the axes. {bands}"
        figure = plots.curves(volumes, image, "variogram", "", colors, "variogram")
        plates.append(Plate("variogram", "Variogram", text, figure))
    sampled = {c.name: c.sampled for c in source.columns}
    for metric in curves_only(source.columns, source.lines):
        there = [label for one in sampled.values() for name, label in one.curves if name == metric]
        ending = next((end for end in ("radial", "axes") if any(_ends(label, end) for label in there)), None)
        if metric == "two-point-correlation" or ending is None:
            continue
        how = "Averaged over directions" if ending == "radial" else "Along the three axes together"
        text = (
            f"{how}. Means over {_many(source)}, bands of one standard deviation between them; dashed: the image, "
            "where it has them."
        )
        own = [one for name, one in sampled.items() if name != IMAGE]
        title = metric.replace("-", " ")
        figure = plots.curves(own, sampled.get(IMAGE), metric, ending, colors, title)
        plates.append(Plate(metric, title.capitalize(), text, figure))
    return plates


def _ends(label: str, ending: str) -> bool:
    along = Of.read(label).along
    return along in AXES if ending == "axes" else along == ending


def _axes(source: Source, colors: dict[str, str]) -> list[Plate]:
    volumes = [c.sampled for c in source.columns if c.name != IMAGE]
    plates = []
    for metric, text in PER_AXIS.items():
        there = [v for v in volumes if any(key[0] == metric for key in v.values)]
        if there:
            caption = (
                f"{text[0].upper()}{text[1:]}. Means over subvolumes with standard errors; percentages say how many "
            )
            caption += "subvolumes have a finite value, where not all do."
            figure = plots.per_axis(there, metric, colors, metric.replace("-", " "))
            plates.append(Plate(metric, f"{metric.replace('-', ' ').capitalize()} along each axis", caption, figure))
    return plates


def _maps(source: Source, results: list[str]) -> list[Plate]:
    low, problem = source.inputs.low_res, source.inputs.problem
    if low is None or source.degradation is None:
        return []
    alone = {c.name for c in source.columns if CONSISTENCY in c.whole.skipped}  # made without the scan
    shapes = {name: source.labels[name].grid.shape for name in results if name not in alone}
    fit = [n for n, shape in shapes.items() if seen_region(shape, low.grid.shape, problem.scale)][:MOST_SHOWN]
    if not fit:
        return []
    maps = [(name, *consistency_map(source.labels[name], low, problem, source.degradation)) for name in fit]
    table = np.array([p.rgb for p in low.phases], np.uint8)
    size = low.grid.voxel_size
    text = (
        "The middle slice of the scan (at most 128² voxels of it), pale; vermilion: voxels whose phase the volume does "
        f"not show when it is degraded as the instrument would ({source.config.degradation['name']})."
    )
    figure = plots.agreement(maps, table, size[1] / size[2])
    return [Plate("consistency", "Agreement with the scan", text, figure)]


def _training(source: Source) -> list[Plate]:
    plates = []
    for name, folder in source.runs.items():
        rows = training_rows(folder)
        if len(rows) < 2:
            continue
        text = (
            "Losses of every step (blue) and what the checks measured without any truth (vermilion); the model with "
            "the smallest error is kept."
        )
        plates.append(Plate(f"training-{name}", f"Training of {name}", text, plots.training(rows)))
    return plates


def _sheets(source: Source, reference: str) -> list[Sheet]:
    names = [c.name for c in source.columns]
    header = ["quantity", f"{reference} (mean ± s.e.)", "spread", *names[1:]]
    rows: list[list[str]] = []
    notes = Footnotes()
    heading = ""
    for line in source.lines:
        first = line.entries[0]
        floor = "" if line.floor is None else f" ± {share(line.floor)}"
        own = notes.marked(cell_text(first) + floor, first.note, first.reason)
        spread = "" if line.spread is None else f"± {share(line.spread)}"
        others = [cell_text(e, notes=notes) for e in line.entries[1:]]
        title = line.metric.replace("-", " ").capitalize() + (f" / {line.unit}" if line.unit else "")
        if title != heading:
            rows.append([title])
        heading = title
        rows.append([line.label, own, spread, *others])
    means = [overall(source.lines, i) for i in range(1, len(names))]
    rows.append(["All quantities"])
    rows.append(["mean |error|", "", "", *["–" if m is None else f"{100 * m:.1f} %" for m in means]])
    caption = (
        f"Means over {_many(source)}; in brackets the relative error against the {reference} ± its standard error. The "
        f"spread is the standard deviation between single subvolumes of the {reference}. Subvolumes that overlap do "
        "not count as independent. Low res consistency is of the whole volume."
    )
    sheets = [Sheet("Values and errors", header, rows, caption=caption, notes=notes.lines)]
    if source.usage:
        cost = [
            [name, duration(u.fit_seconds), duration(u.generate_seconds), human_bytes(u.peak_bytes), u.device]
            for name, u in source.usage.items()
        ]
        text = "Each in a process of its own; memory is the process's largest resident size, libraries and all."
        sheets.append(
            Sheet("Time and memory", ["volume", "fit", "generate", "peak memory", "device"], cost, caption=text)
        )
    return sheets
