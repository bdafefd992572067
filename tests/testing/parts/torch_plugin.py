"""A plugin module with the fault of importing torch."""

import torch  # noqa: F401

MESOFUSE_API = 1
