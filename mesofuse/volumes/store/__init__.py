"""The zarr store of volumes, its OME-Zarr metadata, and what keeps it sound."""
