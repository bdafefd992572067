"""Laws that every generator keeps at every scale: a tile is a part of the whole, and the halo is what it reaches."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mesofuse_superres.fine_generator import FineGenerator
from mesofuse_superres.options import FineGeneratorOptions, PaperGeneratorOptions, SlimGeneratorOptions
from mesofuse_superres.paper_generator import PaperGenerator
from mesofuse_superres.slim_generator import SlimGenerator

from mesofuse.streaming.run import GenerateOptions, generate
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.testing.reach import largest, reach
from mesofuse.training.generator_model import GeneratorModel
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray

FACTORS = [1, 1.6, 2, 3, 4, 5, 5.33, 6, 8, 16]
SCALES = [1, 1.6, 3, 4, 5.33, 16, (8, 1, 1), (1, 4, 4), (2, 1.6, 5.33), (1, 1, 16)]


def make(which, scale, blocks=1, noise=1):
    torch.manual_seed(0)
    problem = make_problem(2, 3, scale)
    if which == "paper":
        generator = PaperGenerator(PaperGeneratorOptions(width=3, blocks=blocks), problem)
    elif which == "fine":
        options = FineGeneratorOptions(
            channels=5, middle=4, narrow=3, last=5, depth=blocks, noise=noise, fine_noise=noise
        )
        generator = FineGenerator(options, problem)
    else:
        generator = SlimGenerator(SlimGeneratorOptions(channels=5, last=4, noise=noise), problem)
    return generator.double().eval()


def inputs(generator, region, seed=0, batch=1):
    rng = torch.Generator().manual_seed(seed)
    labels = torch.randint(2, (batch, *region.shape), generator=rng)
    field = torch.nn.functional.one_hot(labels, 2).movedim(-1, 1).double()
    shapes = [(batch, n.channels, *region.scaled(n.factor).shape) for n in generator.noise]
    return field, [torch.randn(shape, generator=rng, dtype=torch.float64) for shape in shapes]


def part(generator, field, noise, region, window):
    """Return the inputs of a window of a region."""
    return field[(..., *window.within(region))], [
        n[(..., *window.scaled(spec.factor).within(region.scaled(spec.factor)))]
        for n, spec in zip(noise, generator.noise, strict=True)
    ]


@st.composite
def cases(draw):
    which = draw(st.sampled_from(["paper", "slim", "fine"]))
    scale = [draw(st.sampled_from(FACTORS)) for _ in range(3)]
    # One long axis, so that windows end within the volume; the others as long as the time allows.
    long = draw(st.permutations([14, 4, 2]))
    shape = tuple(draw(st.integers(1, n)) if n < 14 else n for n in long)
    while np.prod(scale) * np.prod(shape) > 60_000:
        scale[int(np.argmax(scale))] = draw(st.sampled_from([1, 1.6, 2]))
    start = tuple(draw(st.integers(0, n - 1)) for n in shape)
    stop = tuple(draw(st.integers(a + 1, min(n, a + 4))) for a, n in zip(start, shape, strict=True))
    origin = tuple(draw(st.integers(-20, 40)) for _ in range(3))
    generator = make(which, scale, draw(st.integers(1, 3)), draw(st.integers(0, 2)))
    return generator, Region.whole(shape).shifted(origin), Region(start, stop).shifted(origin)


SIXTEEN = Region((3, 0, 1), (15, 1, 2))


@settings(max_examples=60, deadline=None)
@given(cases())
@example((make("paper", 16), SIXTEEN, Region((3, 0, 1), (5, 1, 2))))
@example((make("slim", 16), SIXTEEN, Region((9, 0, 1), (10, 1, 2))))
def test_a_tile_is_a_part_of_the_whole(case):
    generator, region, core = case
    window = core.grown(generator.halo).intersect(region)
    field, noise = inputs(generator, region)
    with torch.no_grad():
        whole = generator(field, noise, region)
        tile = generator(*part(generator, field, noise, region, window), window, core)
        uncut = generator(*part(generator, field, noise, region, window), window)
    fine = core.scaled(generator.scale)
    truth = whole[(..., *fine.within(region.scaled(generator.scale)))]
    assert tile.shape == truth.shape == (1, 3, *fine.shape)
    torch.testing.assert_close(tile, truth, atol=1e-6, rtol=0)
    torch.testing.assert_close(uncut[(..., *fine.within(window.scaled(generator.scale)))], truth, atol=1e-6, rtol=0)
    torch.testing.assert_close(whole.sum(1), torch.ones_like(whole[:, 0]))


def open_every_path(generator):
    """Make all weights positive, so that no ReLU hides how far a voxel is seen, and probabilities far from 0 and 1."""
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.abs_()
            if parameter.ndim == 5:  # each layer keeps about the size of its values
                parameter.div_(parameter.flatten(1).sum(1).mean())
        for i, weight in enumerate(generator.leave.weight):
            weight.mul_(0.1 * (i + 1))
    return generator


@pytest.mark.parametrize("which", ["paper", "slim", "fine"])
@pytest.mark.parametrize("scale", [*SCALES, 2.5, 4 / 3], ids=str)
def test_the_halo_is_what_a_voxel_reaches(which, scale):
    """Along each axis alone, at every way in which the voxels of the two grids meet."""
    generator = open_every_path(make(which, scale))
    found = []
    for axis in range(3):
        edge = 2 * generator.halo[axis] + 5
        meetings = {1.6: 5, 5.33: 100, 2.5: 2, 4 / 3: 3}.get(generator.scale[axis], 1)
        for first in range(0, meetings, 20):
            many = min(20, meetings - first)
            start = tuple(first if a == axis else 0 for a in range(3))
            region = Region(start, tuple(first + edge + many if a == axis else 1 for a in range(3)))
            field, noise = inputs(generator, region)
            noise = [n.abs() for n in noise]
            with torch.no_grad():
                before = generator(field, noise, region)
                for voxel in range(first + edge // 2, first + edge // 2 + many):
                    one = Region(
                        tuple(voxel if a == axis else 0 for a in range(3)),
                        tuple(voxel + 1 if a == axis else 1 for a in range(3)),
                    )
                    other, louder = field.clone(), [n.clone() for n in noise]
                    other[(..., *one.within(region))] += 5
                    for n, spec in zip(louder, generator.noise, strict=True):
                        n[(..., *one.scaled(spec.factor).within(region.scaled(spec.factor)))] += 5
                    after = generator(other, louder, region)
                    found.append(reach(before, after, region, one.start, generator.scale))
    assert largest(found) == generator.halo


@pytest.mark.parametrize(
    ("which", "scale", "shape"),
    [
        ("paper", 1.6, (8, 7, 9)),
        ("paper", (1, 4, 4), (1, 14, 11)),
        ("paper", (2, 8, 1), (5, 3, 12)),
        ("slim", (1, 4, 4), (1, 14, 11)),
        ("slim", 5.33, (4, 3, 4)),
    ],
    ids=str,
)
def test_chunks_and_regions_change_no_label(which, scale, shape, tmp_path):
    generator = make(which, scale).float()
    with torch.no_grad():
        generator.leave.weight.mul_(20)
    model = GeneratorModel(generator, make_problem(2, 3, scale))
    model.tile = tuple(min(4, n) for n in shape)
    low = LabelArray(
        blobs((9, 14, 12), 2).array[tuple(slice(n) for n in shape)], Grid(shape), make_problem(2, 3, scale).low_phases
    )

    def labels(name, **options):
        options = {"seed": 3, "workers": 1, "levels": False, **options}
        volume = generate(model, low, low.grid, str(tmp_path / name), GenerateOptions(**options))
        return volume.read(volume.grid.region)

    expected = labels("a", chunks=(64, 64, 64))
    assert expected.shape == low.grid.region.scaled(generator.scale).shape
    assert len(np.unique(expected)) > 1
    for i, chunks in enumerate([(8, 8, 8), (10, 7, 13)]):
        np.testing.assert_array_equal(labels(f"b{i}", chunks=chunks), expected)
    z, y, x = expected.shape
    region = Region((z // 2, 1, x // 3), (z, y - 1, x))
    np.testing.assert_array_equal(labels("c", region=region, chunks=(16, 16, 16)), expected[region.slices])


@pytest.mark.parametrize("which", ["paper", "slim", "fine"])
def test_a_planar_field_gives_a_planar_result_in_training_too(which):
    generator = make(which, (1, 4, 4)).train()
    region = Region.whole((1, 5, 6))
    made = generator(*inputs(generator, region, batch=2), region)
    assert made.shape == (2, 3, 1, 20, 24)
    made.square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in generator.parameters())
