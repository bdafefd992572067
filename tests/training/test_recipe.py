import pytest

from mesofuse.training.recipe import AdversarialOptions


@pytest.mark.parametrize(("before", "now"), [(True, "rotate"), (False, "none")])
def test_models_of_the_first_release_can_be_read(before, now):
    options = AdversarialOptions(generator={"name": "g"}, critic={"name": "c"}, losses=(), augment=before)
    assert options.symmetry(0, True) == now
    assert AdversarialOptions.model_validate(options.model_dump(mode="json")) == options
