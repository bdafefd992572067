import pytest
from mesofuse_adversarial import plugin

from mesofuse.testing import assert_conforms


@pytest.mark.parametrize("spec", plugin.mesofuse_components(), ids=lambda spec: spec.name)
def test_conforms_to_the_kit(spec) -> None:  # type: ignore[no-untyped-def]
    assert_conforms(spec.kind, spec.name)
