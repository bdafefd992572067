from __future__ import annotations

import io

import numpy as np
from PIL import Image

from mesofuse.figures.solid import LARGEST, faces, solid
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import Phase

RED, GREEN, BLUE = Phase(0, "red", "#ff0000"), Phase(1, "green", "#00ff00"), Phase(2, "blue", "#0000ff")


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3).astype(int)


def seen(png):
    """Which of red, green, blue appear, whatever the shade."""
    found = pixels(png)
    return [bool(((found[:, c] > 100) & (np.delete(found, c, 1).max(axis=1) == 0)).any()) for c in range(3)]


def test_nearest_voxels_hide_those_behind():
    labels = np.zeros((12, 12, 12), np.uint8)
    labels[1:, :-1, :-1] = 1  # behind a red shell on the sides that are looked at
    assert seen(faces(labels, (RED, GREEN, BLUE), None)) == [True, False, False]
    assert seen(faces(labels, (RED, GREEN, BLUE), 0)) == [False, True, False]


def test_three_sides_have_three_shades():
    shades = {tuple(p) for p in pixels(faces(np.full((8, 8, 8), 2, np.uint8), (RED, GREEN, BLUE), None))}
    assert len(shades - {(255, 255, 255)}) == 3


def test_without_vtk_it_says_so_and_draws_the_middle(monkeypatch):
    monkeypatch.setenv("MESOFUSE_NO_VTK", "1")
    shape = (LARGEST + 20, 10, 10)
    volume = LabelArray(np.zeros(shape, np.uint8), Grid(shape), (RED,))
    png, how = solid(volume)
    assert how == f"the middle {LARGEST} × 10 × 10 voxels, drawn without VTK (MESOFUSE_NO_VTK is set)"
    assert seen(png)[0]


def test_all_hidden_is_an_empty_picture():
    assert (pixels(faces(np.zeros((4, 4, 4), np.uint8), (RED,), 0)) == 255).all()
