import numba
import pytest
from mesofuse_statistical import compiled as module
from mesofuse_statistical.compiled import compiled


def total(n):
    found = 0.0
    for i in range(n):
        found += i
    return found


@pytest.mark.parametrize("fastmath", [None, ("reassoc", "nsz")])
def test_compiled_functions_give_what_python_gives(fastmath):
    fast = compiled(fastmath)(total)
    assert isinstance(fast, numba.core.dispatcher.Dispatcher)
    assert fast(10) == total(10) == 45
    assert fast.targetoptions["nogil"]


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same(monkeypatch):
    real, asked = numba.njit, []

    def njit(**options):
        asked.append("cache" in options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    monkeypatch.setattr(module.numba, "njit", njit)
    assert compiled()(total)(10) == 45
    assert asked == [True, False]
