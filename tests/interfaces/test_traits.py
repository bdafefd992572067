from mesofuse.interfaces.degradation import SupportsEstimate, SupportsShares, seen
from mesofuse.interfaces.method import SupportsGridScale, SupportsPublished
from mesofuse.interfaces.traits import MethodTraits, ModelTraits
from mesofuse.registry import get_registry
from mesofuse.testing.problems import make_problem


def test_what_is_not_said_has_its_default():
    class Plain:
        pass

    class Telling:
        conditional = False
        parallel = True
        draws = True

    assert MethodTraits.of(Plain) == MethodTraits(conditional=True, parallel=False, warm=False)
    assert MethodTraits.of(Telling) == MethodTraits(conditional=False, parallel=True, warm=False)
    assert ModelTraits.of(Plain()) == ModelTraits(draws=False, sees_ignored=False, extras={})
    assert ModelTraits.of(Telling()).draws


def test_the_plugins_own_components_are_recognised():
    found = {c.spec.name: c.load() for kind in ("method", "degradation") for c in get_registry().components(kind)}
    assert {name for name, kind in found.items() if isinstance(kind, SupportsEstimate)} == {"point-spread"}
    assert {name for name, kind in found.items() if isinstance(kind, SupportsPublished)} == {"superres", "slicegan"}
    assert not isinstance(found["interpolation"], SupportsGridScale)
    problem = make_problem(2, 3, 4)
    blur, nearest = (get_registry().find("degradation", n).build(None, problem) for n in ("blur-downsample", "nearest"))
    assert isinstance(blur, SupportsShares)
    assert seen(blur) == blur.shares
    if not isinstance(nearest, SupportsShares):
        assert seen(nearest) is nearest
