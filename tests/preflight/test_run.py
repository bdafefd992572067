import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.interfaces.method import FusionInputs
from mesofuse.interfaces.problem import Problem
from mesofuse.preflight.run import _shortfall, preflight
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labelling import read_labels
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases

DATA = Path(os.environ.get("MESOFUSE_CASE_STUDIES", "../shared/data/case_studies"))
NAMES = ["phase-fractions", "scale-factor", "image-size", "isotropy", "image-patterns"]
ELECTRODE = ((0, 2), (1,))


def run(inputs):
    checked = preflight(inputs)
    json.dumps(checked.to_json(), allow_nan=False)
    return {check.name: check for check in checked.checks}


def warned(checks):
    return {name for name, check in checks.items() if check.status == "warning"}


@pytest.mark.parametrize("instrument", ["blur-downsample", "nearest"])
def test_electrode(instrument, electrode, media):
    scans, images = electrode
    checks = run(media.inputs(scans[instrument], images, 4, ELECTRODE))
    assert list(checks) == NAMES
    # Six sections of 160² give the active phase as ± a tenth of itself, and their patterns as ill: whether they warn
    # is no matter here.
    assert {name: checks[name].status for name in NAMES if not name.startswith("image")} == dict.fromkeys(
        ("phase-fractions", "scale-factor", "isotropy"), "ok"
    )
    for wrong in (2, 8):
        checks = run(media.inputs(scans[instrument], images, wrong, ELECTRODE))
        assert warned(checks) - {"image-size", "image-patterns"} == {"scale-factor"}
        assert checks["scale-factor"].numbers["best"] == pytest.approx([4] * 3, rel=0.15)


def test_small_image_is_called_small(electrode, media):
    scans, images = electrode
    checks = run(media.inputs(scans["nearest"], images[:1, :72, :72], 4, ELECTRODE))
    assert checks["image-size"].status == "warning"
    assert "times the area" in checks["image-size"].sentence


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (0.2, "± 20 % of itself; about 4.0 times the area would bring that to ± 10 %"),
        (0.1001, "just over ± 10 % of itself; a few per cent more area would bring that to ± 10 %"),
        (0.103, "just over ± 10 % of itself; about 1.1 times the area would bring that to ± 10 %"),
    ],
)
def test_the_area_that_is_missing_is_never_said_to_be_one_times_what_there_is(error, sentence):
    assert _shortfall(error) == sentence


def test_anisotropy_is_seen_in_either(media):
    rng = np.random.default_rng(0)
    scan, image = media.gaussian((64, 64, 64), (4, 2, 2), rng), media.gaussian((400, 400), 8, rng)[None]
    checks = run(media.inputs(scan, image, 4))
    assert "isotropy" in warned(checks)
    assert "along z" in checks["isotropy"].sentence
    stretched = media.gaussian((400, 400), (8, 16), rng)[None]
    checks = run(media.inputs(media.gaussian((64, 64, 64), 2, rng), stretched, 4))
    assert "in the image" in checks["isotropy"].sentence
    assert "isotropy" in warned(checks)
    along = media.gaussian((400, 400), (16, 8), rng)[None]
    checks = run(media.inputs(scan, (image, along, along), 4))
    assert checks["isotropy"].status == "ok"
    assert checks["scale-factor"].status == "ok"


def test_without_a_scan(media):
    checks = run(media.inputs(None, media.gaussian((256, 256), 3, np.random.default_rng(0))[None], 1))
    assert list(checks) == NAMES[2:]


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(*[st.integers(1, 20)] * 3), st.tuples(*[st.integers(1, 40)] * 3), st.integers(0, 3), st.integers(0, 99)
)
def test_odd_data_never_raise(low, high, kind, seed):
    from mesofuse.testing.problems import make_problem

    rng = np.random.default_rng(seed)
    problem = make_problem(2, 3, [(1.0, 1.0, 1.0), (4.0, 4.0, 4.0), (2.5, 1.0, 7.0)][seed % 3])
    scan = rng.integers(0, 2, low, dtype=np.uint8) if kind % 2 else np.zeros(low, np.uint8)
    image = rng.integers(0, 3, high, dtype=np.uint8) if kind < 2 else np.full(high, 1, np.uint8)
    volume = LabelArray(scan, Grid(low), problem.low_phases)
    images = (LabelArray(image, Grid(high), problem.phases),) * 3
    assert all(c.sentence.endswith(".") for c in run(FusionInputs(volume, images, problem)).values())


def test_a_great_scan_takes_little():
    import tracemalloc

    class Noise:
        phases = default_phases(2)
        grid = Grid((2000, 2000, 2000))

        def read(self, region):
            return np.random.default_rng(region.start).integers(0, 2, region.shape, dtype=np.uint8)

    high = default_phases(2)
    image = LabelArray(
        np.random.default_rng(0).integers(0, 2, (1, 1024, 1024), dtype=np.uint8), Grid((1, 1024, 1024)), high
    )
    problem = Problem((1.0,) * 3, Noise.phases, high, PhaseMatch(((0,), (1,))))
    tracemalloc.start()
    started = time.monotonic()
    checks = run(FusionInputs(Noise(), (image,) * 3, problem))
    assert time.monotonic() - started < 60
    assert tracemalloc.get_traced_memory()[1] < 300e6
    tracemalloc.stop()
    assert checks["phase-fractions"].status == "ok"


def case(low, high, scale, shows):
    if not DATA.is_dir():
        pytest.skip("the case studies' data are not here")
    scan, _ = read_labels(DATA / low)
    opened = [read_labels(DATA / name)[0] for name in high]
    images = tuple(opened[0] if len(opened) == 1 else opened[i] for i in range(3))
    problem = Problem((float(scale),) * 3, scan.phases, images[0].phases, PhaseMatch(shows))
    return run(FusionInputs(scan, images, problem))


def test_nmc_agrees():
    checks = case("NMC_lr_input.tif", ["NMC_hr_input.tif"], 4, ELECTRODE)
    assert warned(checks) == set()
    assert {c.status for c in checks.values()} == {"ok"}
    assert checks["scale-factor"].numbers["best"][0] == pytest.approx(3.7, abs=0.15)
    assert warned(case("NMC_lr_input.tif", ["NMC_hr_input.tif"], 4, ((0,), (1,)))) == set()
    assert warned(case("NMC_lr_input.tif", ["NMC_hr_input.tif"], 8, ELECTRODE)) == {"scale-factor"}


def test_fuel_cell_agrees():
    checks = case("SOFC_lr_input.tif", ["SOFC_hr_input.tif"], 4, ((0,), (1,), (2,)))
    assert warned(checks) == set()
    assert checks["scale-factor"].numbers["best"][0] == pytest.approx(4.06, abs=0.15)


def test_sem_pair_disagrees():
    checks = case("SEM_lr_input.tif", ["SEM_hr_input.tif"], 8, ELECTRODE)
    assert warned(checks) == {"phase-fractions", "scale-factor", "image-size", "image-patterns"}
    assert checks["scale-factor"].numbers["best"][0] == pytest.approx(0.67, abs=0.05)
    assert "0.67" in checks["scale-factor"].sentence
    assert "may not show the same structure" in checks["scale-factor"].sentence


def test_separator_is_anisotropic():
    rods, speckles = "Separator_hr_input_rods.tif", "Separator_hr_input_speckles.tif"
    checks = case("Separator_lr_input.tif", [rods], 4, ((0,), (1,)))
    assert "isotropy" in warned(checks)
    checks = case("Separator_lr_input.tif", [rods, rods, speckles], 4, ((0,), (1,)))
    assert "isotropy" not in warned(checks)
    assert checks["scale-factor"].status == "ok"


def test_padding_is_warned_of_and_fractions_beside_it_do_not_agree():
    y, x = np.mgrid[:40, :40] - 19.5
    scan = blobs((24, 40, 40), 2, seed=1)
    padded = LabelArray(np.where(y**2 + x**2 <= 400, scan.array, 0).astype(np.uint8), scan.grid, scan.phases)
    image = blobs((4, 96, 96), 2, seed=2)
    problem = make_problem(2, 2, 1)
    plain = preflight(FusionInputs(scan, (image,) * 3, problem))
    assert "padding" not in {check.name for check in plain.checks}
    found = {check.name: check for check in preflight(FusionInputs(padded, (image,) * 3, problem)).checks}
    assert found["padding"].status == "warning"
    assert "Phase 0 lies around all else in the scan (21." in found["padding"].sentence
    assert "--ignore low-res=surround:" in found["padding"].sentence
    assert found["phase-fractions"].status != "ok"
