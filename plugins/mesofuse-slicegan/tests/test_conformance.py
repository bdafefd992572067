import pytest

from mesofuse.testing import assert_conforms


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("generator", "slicegan"),
        ("generator", "slicegan-resize"),
        ("generator", "slicegan-slim"),
        ("critic", "slicegan"),
        ("method", "slicegan"),
    ],
)
def test_components_conform(kind, name):
    assert_conforms(kind, name)
