"""Labelled volumes: grids, phases, OME-Zarr, file formats."""
