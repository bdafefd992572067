"""The README's tables are what the networks are."""

from pathlib import Path

import pytest
import torch
from mesofuse_superres.multi_scale_critic import MultiScaleCritic
from mesofuse_superres.options import (
    MultiScaleCriticOptions,
    PaperCriticOptions,
    PaperGeneratorOptions,
    SlimCriticOptions,
)
from mesofuse_superres.paper_critic import PaperCritic
from mesofuse_superres.paper_generator import PaperGenerator
from mesofuse_superres.slim_critic import SlimCritic

from mesofuse.testing.problems import make_problem

LINES = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8").splitlines()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES if line.startswith("| ")]
CRITICS = {
    "superres": (PaperCritic, PaperCriticOptions),
    "superres-slim": (SlimCritic, SlimCriticOptions),
    "multi-scale": (MultiScaleCritic, MultiScaleCriticOptions),
}


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("row", [r for r in ROWS if r[0][0].isdigit()], ids=lambda row: row[0])
def test_generators(row):
    scale, width, stages, parameters, halo, _ = row
    with torch.device("meta"):
        generator = PaperGenerator(PaperGeneratorOptions(), make_problem(2, 3, scale))
    assert generator.enter.out_channels == int(width)
    assert ", ".join(kind for kind, _, _ in generator.stages) == stages
    assert f"{count(generator):,}" == parameters
    assert ", ".join(map(str, generator.halo)) == halo


@pytest.mark.parametrize("row", [r for r in ROWS if r[0].startswith("`")], ids=lambda row: " ".join(row[:2]))
def test_critics(row):
    make, options = CRITICS[row[0].strip("`")]
    with torch.device("meta"):
        critic = make(options(**({row[1].strip("`"): True} if row[1] else {})), make_problem(2, 3, 4))
    assert row[2].startswith(f"{critic.crop}²")
    assert f"{count(critic):,}" in row[3]


def test_both_tables_were_read():
    assert len(ROWS) == 2 + 9 + 2 + 5
