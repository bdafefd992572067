import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.evaluation.measure import measure
from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.simulation.scan import Scan, Scanner, otsu, parse_thresholds, scan_problem
from mesofuse.testing.problems import blobs
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

FINE = blobs((24, 20, 32), 3, seed=3)
RULES = {"dark": ("phase 0", "phase 2"), "bright": ("phase 1",)}
SPREAD = Scanner("point-spread", {"sigma": [1, 2, 3]})


def scan(scale=(4.0, 4.0, 4.0), scanner=SPREAD, rules=RULES, volume=FINE):
    return Scan(volume, scan_problem(volume.phases, scale, rules), scanner)


@pytest.mark.parametrize("scanner", [SPREAD, Scanner(noise=0.3), Scanner("nearest", noise=0.6, thresholds="otsu")])
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_the_same_voxels_for_every_block_and_every_region(scanner, data):
    scale = data.draw(st.sampled_from([(4.0, 4.0, 4.0), (1.6, 5.33, 3.0), (1.0, 2.0, 6.0)]))
    whole, cut = scan(scale, scanner), scan(scale, scanner)
    cut.block = tuple(data.draw(st.integers(1, 5)) for _ in range(3))
    expected = whole.read(whole.grid.region)
    start = tuple(data.draw(st.integers(0, n - 1)) for n in whole.grid.shape)
    part = Region(start, tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, whole.grid.shape, strict=True)))
    np.testing.assert_array_equal(cut.read(part), expected[part.slices])


@pytest.mark.parametrize("degradation", ["point-spread", "blur-downsample", "area-average", "nearest"])
@pytest.mark.parametrize("scale", [(4.0, 4.0, 4.0), (3.0, 5.0, 1.0)])
def test_the_volume_agrees_wholly_with_its_own_scan(degradation, scale):
    volume = blobs((24, 20, 32), 3, seed=5)
    made = scan(scale, Scanner(degradation), volume=volume)
    low = LabelArray(made.read(made.grid.region), made.grid, made.phases)
    found = measure(
        volume, ["low-res-consistency"], scan=ScanReference(low, made.problem.match, scale, made.degradation),
    )  # fmt: skip
    assert {r.value for r in found.results if not np.isnan(r.value)} == {1.0}  # NaN: a phase that the scan lost


def test_noise_changes_the_share_of_voxels_that_theory_says():
    half = np.zeros((16, 16, 16), np.uint8)
    half[8:] = 1
    volume = LabelArray(half, Grid(half.shape), default_phases(2))
    noisy = scan((1.0, 1.0, 1.0), Scanner("nearest", noise=0.5, seed=2, thresholds=(0.5,)), {}, volume)
    labels = noisy.read(noisy.grid.region)
    # A voxel at 0 or 1 crosses 1/2 with the probability that a normal number exceeds 1: 15.87 %, ± 0.57 %.
    assert np.mean(labels != half) == pytest.approx(0.1587, abs=0.025)
    assert noisy.summary()["changed_by_noise"] == np.mean(labels != half)
    other = scan((1.0, 1.0, 1.0), Scanner("nearest", noise=0.5, seed=3, thresholds=(0.5,)), {}, volume)
    assert (other.read(other.grid.region) != labels).any()


def test_grey_values_show_the_middle_phase_where_two_others_meet():
    layers = np.zeros((1, 1, 12), np.uint8)
    layers[..., 6:] = 2
    volume = LabelArray(layers, Grid(layers.shape), default_phases(3))
    by_grey = scan((1.0, 1.0, 4.0), Scanner("area-average", thresholds=(0.5, 1.5)), {}, volume)
    assert by_grey.read(by_grey.grid.region).ravel().tolist() == [0, 1, 2]
    by_share = scan((1.0, 1.0, 4.0), Scanner("area-average"), {}, volume)
    assert by_share.read(by_share.grid.region).ravel().tolist() in ([0, 0, 2], [0, 2, 2])


def test_a_threshold_moves_the_interface():
    shares = [scan(scanner=Scanner("area-average", thresholds=(t,))) for t in (0.2, 0.8)]
    low, high = (s.read(s.grid.region) for s in shares)
    assert (low >= high).all()
    assert low.mean() > high.mean()


def test_otsu_is_the_middle_between_two_peaks_and_needs_two():
    edges = np.linspace(0, 1, 11)
    assert otsu(np.array([0, 50, 0, 0, 0, 0, 0, 0, 30, 0]), edges) == pytest.approx(0.5)
    with pytest.raises(UserError, match="one grey value"):
        otsu(np.array([0, 50, 0, 0, 0, 0, 0, 0, 0, 0]), edges)


def test_the_summary_counts_every_voxel_once_however_it_was_read():
    made = scan()
    made.read(Region.whole((3, 5, 8)))
    made.read(made.grid.region)
    summary = made.summary()
    labels = made.read(made.grid.region)
    assert [p["name"] for p in summary["phases"]] == ["dark", "bright"]
    assert summary["phases"][1]["before"] == pytest.approx(float(np.mean(FINE.array == 1)))
    assert summary["phases"][1]["after"] == pytest.approx(labels.mean())
    assert summary["changed_by_noise"] == 0


def test_numbers_as_rules_take_the_names_of_what_they_show():
    problem = scan_problem(FINE.phases, (2.0, 2.0, 2.0), {"1": ("1",), "0": ("2", "0")})
    assert problem.match.shows == ((2, 0), (1,))
    assert [p.name for p in problem.low_phases] == ["phase 2 + phase 0", "phase 1"]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: scan(rules={"dark": ("phase 0",), "bright": ("phase 1",)}), "No rule says what the scan shows"),
        (lambda: scan(rules={"0": ("phase 0",), "2": ("phase 1", "phase 2")}), "from 0 without gaps"),
        (lambda: scan(rules={"dark": ("phase 0", "phase 3"), "bright": ("phase 1",)}), "Did you mean"),
        (lambda: scan(scanner=Scanner("point-spred")), "Did you mean 'point-spread'"),
        (lambda: scan(scanner=Scanner("point-spread", {"sigm": 1})), "sigm"),
        (lambda: scan(scanner=Scanner("point-spread", {"sigma": "estimate"})), "give numbers here"),
        (lambda: scan(scanner=Scanner(noise=float("nan"))), "not usable"),
        (lambda: scan(scanner=Scanner(thresholds=(0.5, 1.5))), "2 thresholds"),
        (lambda: scan(rules={}, scanner=Scanner(thresholds="otsu")), "Otsu's threshold separates two phases"),
        (lambda: scan(rules={}, scanner=Scanner(thresholds=(1.5, 0.5))), "2 rising ones"),
        (lambda: scan(scale=(32.0, 1.0, 1.0)), "smaller than one scan voxel"),
        (lambda: parse_thresholds("osu"), "Did you mean 'otsu'"),
        (lambda: parse_thresholds("nan"), "not finite"),
    ],
)
def test_a_mistake_is_a_sentence(make, text):
    with pytest.raises(UserError, match=text):
        make()
