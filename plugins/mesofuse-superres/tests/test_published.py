import numpy as np
import pytest
import torch
from mesofuse_superres.options import PaperGeneratorOptions
from mesofuse_superres.paper_generator import PaperGenerator
from mesofuse_superres.published import imported
from torch import nn

from mesofuse.errors import UserError
from mesofuse.testing.problems import make_problem
from mesofuse.volumes.grid import Region


class Published(nn.Module):
    """The published architecture out of plain torch layers; layers of odd number come first in a block."""

    def __init__(self, stages, blocks=1, width=8, inputs=3, phases=3):
        super().__init__()

        def conv(a, b):
            return nn.Conv3d(a, b, 3, padding=1, padding_mode="replicate")

        self.run, self.stages = [0, *range(2, blocks, 2)], stages
        self.conv_minus_1, self.bn_minus_1 = conv(inputs, width), nn.BatchNorm3d(width)
        self.conv_res = nn.ModuleList(conv(width, width) for _ in range(2 * blocks))
        self.bn_res = nn.ModuleList(nn.BatchNorm3d(width) for _ in range(2 * blocks))
        for name in stages:
            half = width // 2
            layer = nn.ConvTranspose3d(width, half, 4, 2, 1) if name == "trans" else conv(width, half)
            setattr(self, f"conv_{name}", layer)
            setattr(self, f"bn_{name}", nn.BatchNorm3d(half))
            width = half
        self.conv_bf_end = conv(width, phases)

    def forward(self, x, scale):
        first = x = torch.relu(self.bn_minus_1(self.conv_minus_1(x)))
        for i in self.run:
            side = torch.relu(self.bn_res[i + 1](self.conv_res[i + 1](x)))
            x = torch.relu(x + self.bn_res[i](self.conv_res[i](side)))
        x = first + x
        for name in self.stages:
            by = scale if name == "resize" else 2
            scale /= by
            if name != "trans":
                x = nn.functional.interpolate(x, scale_factor=by, mode="trilinear")
            x = torch.relu(getattr(self, f"bn_{name}")(getattr(self, f"conv_{name}")(x)))
        return torch.softmax(self.conv_bf_end(x), 1)


STAGES = {2: ["resize"], 4: ["trans", "resize"], 3: ["trans", "resize"], 6: ["resize_0", "trans", "resize"]}


def published(scale, **kwargs):
    torch.manual_seed(0)
    module = Published(STAGES[scale], width=2 ** (len(STAGES[scale]) + 1), **kwargs)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif value.is_floating_point():
                value.normal_(0, 0.3)
    return module.eval()


def tensors(module):
    return {k: v.numpy() for k, v in module.state_dict().items()}


@pytest.mark.parametrize(("scale", "blocks", "run"), [(2, 1, 1), (3, 1, 1), (4, 2, 1), (4, 3, 2), (6, 1, 1)])
def test_the_generator_makes_the_published_voxels(scale, blocks, run):
    problem, theirs = make_problem(2, 3, scale), published(scale, blocks=blocks)
    found = imported(tensors(theirs), problem)
    options = found.options["generator"]
    assert options == {"name": "superres", "width": 3, "blocks": run}
    ours = PaperGenerator(PaperGeneratorOptions(width=3, blocks=run), problem).eval()
    ours.load_state_dict({k: torch.as_tensor(v) for k, v in found.state.items()})
    region = Region.whole((6, 5, 6))
    field, noise = torch.rand(1, 2, *region.shape), torch.randn(1, 1, *region.shape)
    with torch.no_grad():
        expected = theirs(torch.cat([field, noise], 1), scale)
        made = ours(field, [noise], region)
    assert expected.std() > 0.01
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        ((3, 3, 4), "take 2 scan phases and noise, but 3 are named"),
        ((2, 4, 4), "make 3 phases, but 4"),
        ((2, 3, 2), "above 2, at most 4, but --scale is 2"),
        ((2, 3, (4, 4, 2)), "one scale factor for all axes"),
    ],
)
def test_another_problem_is_refused(problem, text):
    with pytest.raises(UserError, match=text):
        imported(tensors(published(4)), make_problem(*problem))


@pytest.mark.parametrize(
    ("changes", "text"),
    [({"conv_minus_1.weight": None}, "no tensor 'conv_minus_1.weight'"), ({"bn_trans.bias": None}, "bn_trans.bias"),
     ({"fc.weight": np.zeros((2, 2))}, "does not have, such as 'fc.weight'")],
)  # fmt: skip
def test_what_is_no_such_generator_is_refused(changes, text):
    given = {k: v for k, v in {**tensors(published(4)), **changes}.items() if v is not None}
    with pytest.raises(UserError, match=text):
        imported(given, make_problem(2, 3, 4))
