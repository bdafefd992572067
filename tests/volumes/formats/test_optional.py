import importlib
import sys

import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.formats.catalogue import read_raw
from mesofuse.volumes.formats.optional import DISTRIBUTIONS, LIBRARIES, library


@pytest.mark.parametrize(("suffix", "module"), [(".h5", "h5py"), (".nrrd", "nrrd"), (".mrc", "mrcfile")])
def test_a_library_that_is_missing_is_named_with_the_command(tmp_path, monkeypatch, suffix, module):
    assert LIBRARIES.keys() == DISTRIBUTIONS.keys()
    monkeypatch.setitem(sys.modules, module, None)  # importing it raises ImportError
    (tmp_path / f"a{suffix}").write_bytes(b"NRRD0005\n\n" + bytes(2000))
    with pytest.raises(UserError, match=rf"a\{suffix} can't be read: .* need {DISTRIBUTIONS[module]}, .*pip install"):
        read_raw(tmp_path / f"a{suffix}")


def test_what_is_installed_is_given(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", np)
    assert library("h5py", "x") is importlib.import_module("h5py")
