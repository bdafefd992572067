import numpy as np

from mesofuse.api import temporary


def test_an_array_is_kept_for_the_session_and_called_by_what_it_is():
    path = temporary.keep(np.arange(3), "image")
    assert np.array_equal(np.load(path), [0, 1, 2])
    assert temporary.is_temporary(path)
    assert not temporary.is_temporary("/somewhere/else.npy")
    assert temporary.named(f"{path} has 2 phases.") == "the image's array has 2 phases."


def test_every_folder_is_a_new_one():
    first, second = temporary.folder("run"), temporary.folder("run")
    assert first != second
    assert not first.exists()
    assert temporary.named(f"Wrote {first}.") == "Wrote the temporary run."
