import json

import torch
from torch import nn

from mesofuse.cli.main import main


def test_import_makes_a_package(tmp_path, capsys):
    module = nn.Module()
    module.convs = nn.ModuleList(
        [nn.ConvTranspose3d(3, 4, 4, 2, 2, bias=False), nn.ConvTranspose3d(4, 2, 4, bias=False)]
    )
    module.bns = nn.ModuleList([nn.BatchNorm3d(4), nn.BatchNorm3d(2)])
    torch.save(module.state_dict(), tmp_path / "X_Gen.pt")
    out = tmp_path / "model"
    args = ["model", "import", "slicegan", str(tmp_path / "X_Gen.pt"), "--out", str(out)]
    assert main([*args, "--phases", "pore"]) == 2
    assert "make 2 phases, but 1" in capsys.readouterr().err
    assert not out.exists()
    assert main([*args, "--phases", "pore, solid", "--set", "steps=7"]) == 0
    assert str(out) in capsys.readouterr().out
    record = json.loads((out / "model.json").read_text())
    assert record["options"]["steps"] == 7
    assert [p["name"] for p in record["problem"]["phases"]] == ["pore", "solid"]


def test_a_missing_file_is_one_sentence(tmp_path, capsys):
    code = main(
        ["model", "import", "slicegan", str(tmp_path / "no.pt"), "--out", str(tmp_path / "m"), "--phases", "a,b"]
    )
    assert code == 2
    assert "There is no file" in capsys.readouterr().err
