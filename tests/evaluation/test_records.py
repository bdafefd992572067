from __future__ import annotations

import json
import math

from mesofuse.evaluation.compare import Cell, Row
from mesofuse.evaluation.records import from_json, row_to_json, to_json
from mesofuse.interfaces.metric import Curve, Measured, Measurement
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.grid import Grid


def test_round_trip_through_strict_json():
    measured = Measured(
        "fused.zarr",
        Grid((2, 3, 4), (0.1, 0.2, 0.3), "micrometer", (1.0, 2.0, 3.0)),
        [
            Measurement("tortuosity", "pore | z", math.inf, "µm⁻²", per_voxel=True),
            Measurement("x", "minus", -math.inf),
            Curve("s2", "pore", (0.0, 1.0), (0.5, 0.25), "µm", ""),
        ],
        {"other": "It needs a 3D volume."},
    )
    assert from_json(json.loads(json.dumps(to_json(measured), allow_nan=False))) == measured


def test_what_a_value_is_of_is_kept_where_its_words_do_not_tell():
    """The texts alone are those of earlier versions, byte for byte."""
    pair, along = Of("pore", "x"), Of("pore", along="x", normals="zy")
    data = to_json(Measured("v", Grid((1, 1, 1)), [Measurement("area", pair, 1.0), Measurement("chord", along, 2.0)]))
    assert data["results"][0]["of"] == {"parts": ["pore", "x"], "along": "", "normals": ""}
    assert "of" not in data["results"][1]
    again = [r.label for r in from_json(json.loads(json.dumps(data))).results]
    assert [(of.parts, of.along, of.normals) for of in again] == [(("pore", "x"), "", ""), (("pore",), "x", "zy")]


def test_nan_is_null_and_comes_back():
    data = to_json(
        Measured("v", Grid((1, 1, 1)), [Measurement("m", "x", math.nan), Curve("c", "x", (0.0,), (math.nan,))])
    )
    assert data["results"][0]["value"] is None
    back = from_json(json.loads(json.dumps(data, allow_nan=False)))
    assert math.isnan(back.results[0].value)
    assert math.isnan(back.results[1].y[0])


def test_rows():
    data = row_to_json(
        Row("m", "x", "µm", False, (Cell(1.0), Cell(math.inf, math.inf, reason="blocked"), Cell(None, None, "why")))
    )
    assert json.loads(json.dumps(data, allow_nan=False))["cells"] == [
        {"value": 1.0, "error": None, "note": "", "reason": ""},
        {"value": "inf", "error": "inf", "note": "", "reason": "blocked"},
        {"value": None, "error": None, "note": "why", "reason": ""},
    ]
