import numpy as np
import pytest
import torch
from mesofuse_statistical import descriptor_terms
from mesofuse_statistical.descriptor_terms import PatchProjections, PatternHistograms, TwoPointMaps
from scipy.ndimage import gaussian_filter

from mesofuse.testing.problems import blobs
from mesofuse.volumes.patterns import TURNS, Stencil, js_divergence, pattern_counts, shares, turned_counts

ALL = TURNS["rotate"]


def labels_of(shape, phases, seed=0):
    return blobs(shape, phases, seed).array


def tensor(labels):
    return torch.from_numpy(labels.astype(np.int32))


def flipped(labels, place, phase):
    made = labels.copy()
    made[place] = phase
    return made


@pytest.mark.parametrize("phases", [2, 3, 4, 6, 9, 20])
@pytest.mark.parametrize(("factor", "spacing"), [(1, 1), (1, 2), (2, 4)])
def test_the_patterns_error_is_the_divergence_of_the_exact_histograms(phases, factor, spacing):
    image, volume = labels_of((2, 40, 44), phases, 1), labels_of((4, 16, 15), phases, 2)
    term = PatternHistograms.measure(image, phases, (1, 2, 4), ALL)
    stencil = Stencil.of(phases)
    made = shares(pattern_counts(volume, stencil, spacing // factor))
    wanted = shares(turned_counts(image, stencil, spacing, ALL))
    assert term.pull(tensor(volume), factor, spacing).error == pytest.approx(js_divergence(made, wanted), abs=1e-5)


@pytest.mark.parametrize("phases", [2, 3, 4, 5, 9, 20])
def test_the_patterns_slope_is_what_each_single_change_adds_to_the_table(phases):
    image, volume = labels_of((1, 40, 40), phases, 1), labels_of((2, 9, 10), phases, 2)
    term = PatternHistograms.measure(image, phases, (2,), ALL)
    pull = term.pull(tensor(volume), 1, 2)
    before = pattern_counts(volume, term.stencil, 2)
    count = before.sum()
    table = term._table(torch.from_numpy(before / count).float(), term.targets[2], 0.5 / count).double().numpy()
    rng = np.random.default_rng(0)
    for _ in range(20):
        place = tuple(rng.integers(volume.shape))
        phase = int(rng.integers(phases))
        after = pattern_counts(flipped(volume, place, phase), term.stencil, 2)
        change = table @ (after - before) / count * volume.size
        made = pull.slope[(phase, *place)] - pull.slope[(volume[place], *place)]
        assert made.item() == pytest.approx(change, rel=1e-4, abs=1e-3)


def hot_of(labels, phases):
    return (labels[None] == np.arange(phases)[:, None, None, None]).astype(float)


def maps(hot, reach, step=1):
    """Return C_ab and the number of pairs by displacement, pair by pair."""
    phases, _, rows, columns = hot.shape
    found = np.zeros((phases, phases, 2 * reach + 1, 2 * reach + 1))
    pairs = np.zeros(found.shape[2:])
    for r in range(-reach, reach + 1):
        for c in range(-reach, reach + 1):
            dr, dc = r * step, c * step
            first = hot[:, :, max(0, -dr) : rows - max(0, dr), max(0, -dc) : columns - max(0, dc)]
            second = hot[:, :, max(0, dr) : rows + min(0, dr), max(0, dc) : columns + min(0, dc)]
            pairs[r + reach, c + reach] = first[0].size
            found[:, :, r + reach, c + reach] = np.einsum("aprc,bprc->ab", first, second) / first[0].size
    return found, pairs


def two_point_error(hot, image, reach, factor):
    (made, pairs), (wanted, _) = maps(hot, reach), maps(image, reach, factor)
    at = np.hypot(*np.meshgrid(*(np.arange(-reach, reach + 1),) * 2, indexing="ij"))
    weight = np.where(at < reach + 0.5, pairs / (1 + factor * at), 0)
    share = image.mean((1, 2, 3))
    variance = share * (1 - share)
    errors = ((made - wanted) ** 2 / np.multiply.outer(variance, variance)[:, :, None, None]).mean((0, 1))
    return (weight * errors).sum() / weight.sum()


@pytest.mark.parametrize("phases", [2, 3])
@pytest.mark.parametrize("at_once", [1, 1 << 25])
def test_the_two_point_error_and_slope_are_those_of_all_displacements(phases, at_once, monkeypatch):
    """The slope against central differences; planes are transformed together or block by block."""
    monkeypatch.setattr(descriptor_terms, "NUMBERS", at_once)
    image, volume = labels_of((2, 20, 24), phases, 1), labels_of((3, 7, 11), phases, 2)
    radius, factor = 8, 2
    term = TwoPointMaps.measure(image, phases, radius, (0,))
    assert term.target.numpy() == pytest.approx(maps(hot_of(image, phases), radius)[0], abs=1e-6)
    pull = term.pull(tensor(volume), factor)
    hot, known = hot_of(volume, phases), hot_of(image, phases)
    assert pull.error == pytest.approx(two_point_error(hot, known, radius // factor, factor), rel=1e-4)
    for phase, *place in [(0, 0, 0, 0), (1, 1, 3, 5), (0, 2, 6, 10)]:
        step = np.zeros_like(hot)
        step[(phase, *place)] = 1e-4
        ends = [two_point_error(hot + s * step, known, radius // factor, factor) for s in (1, -1)]
        slope = volume.size * (ends[0] - ends[1]) / 2e-4
        assert pull.slope[(phase, *place)].item() == pytest.approx(slope, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("phases", [2, 3])
def test_maps_of_turned_images_are_turned_maps(phases):
    image = labels_of((2, 24, 30), phases, 3)
    for turn in ALL:
        turned = np.rot90(image, turn % 4, axes=(1, 2))
        turned = np.ascontiguousarray(turned[..., ::-1] if turn >= 4 else turned)
        found = TwoPointMaps.measure(image, phases, 5, (turn,)).target
        assert torch.allclose(found, TwoPointMaps.measure(turned, phases, 5, (0,)).target, atol=1e-6)


def test_patches_of_the_image_itself_have_no_error_and_others_have():
    fields = [gaussian_filter(np.random.default_rng(0).normal(size=(2, 96, 96)), (0, s, s)) for s in (1, 3)]
    image, other = ((field > 0).astype(np.uint8) for field in fields)
    term = PatchProjections.measure(image, 2, (1, 2), (0,), 5)
    for spacing in (1, 2):
        own, far = (term.pull(tensor(x), 1, spacing, np.random.default_rng(0)).error for x in (image, other))
        assert own < 1e-3
        assert far > 0.05


def test_the_patches_slope_is_the_derivative_of_the_sorted_projections_distance():
    """Against the error written out, in float64, by central differences too small to change the order."""
    image, volume = labels_of((1, 64, 64), 3, 1), labels_of((2, 20, 20), 3, 2)
    term = PatchProjections.measure(image, 3, (2,), ALL, 3)
    pull = term.pull(tensor(volume), 1, 2, np.random.default_rng(5))
    chosen = np.sort(np.random.default_rng(5).choice(len(term.bank), descriptor_terms.DIRECTIONS, replace=False))
    targets = term.targets[2][chosen].double().numpy()
    known = (np.arange(targets.shape[1]) + 0.5) / targets.shape[1]

    def error(hot):
        planes = torch.from_numpy(hot).transpose(0, 1)
        made = torch.nn.functional.conv2d(planes, term.bank[chosen].double(), dilation=2)
        ordered = np.sort(made.transpose(0, 1).flatten(1).numpy(), axis=1)
        levels = (np.arange(ordered.shape[1]) + 0.5) / ordered.shape[1]
        wanted = np.stack([np.interp(levels, known, row) for row in targets])
        return np.mean((ordered - wanted) ** 2 / (targets.var(1, ddof=1, keepdims=True) + descriptor_terms.FLOOR))

    hot = hot_of(volume, 3)
    assert pull.error == pytest.approx(error(hot), rel=1e-4)
    for phase, *place in [(0, 0, 3, 4), (1, 1, 10, 12), (2, 0, 19, 19)]:
        step = np.zeros_like(hot)
        step[(phase, *place)] = 1e-7
        slope = volume.size * (error(hot + step) - error(hot - step)) / 2e-7
        # Patches that are alike have one projection; which of them is first in the order is no matter of the error.
        assert pull.slope[(phase, *place)].item() == pytest.approx(slope, rel=0.05, abs=0.02)


def test_what_does_not_fit_is_left_out():
    small = labels_of((1, 10, 40), 3, 1)
    assert set(PatternHistograms.measure(small, 3, (1, 4, 8), ALL).targets) == {1, 4}
    assert set(PatchProjections.measure(small, 3, (1, 2, 4), ALL, 5).targets) == {1, 2}
    wide = labels_of((1, 40, 40), 3, 2)
    assert PatternHistograms.measure(wide, 3, (4,), ALL).pull(tensor(small[:, :8]), 1, 4) is None
    assert PatchProjections.measure(wide, 3, (4,), ALL, 5).pull(tensor(small), 1, 4, np.random.default_rng(0)) is None
