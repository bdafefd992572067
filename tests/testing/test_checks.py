import pytest

from mesofuse.testing import Check, Failed, Skipped
from mesofuse.testing.checks import require


def outcome(error):
    def run(component):
        if error:
            raise error
        return "remark"

    return str(Check("rule", "A rule.", run)(None))


def test_results():
    assert outcome(None) == "pass  rule: remark"
    assert outcome(Skipped("not here")) == "skip  rule: not here"
    assert outcome(Failed("broken")) == "fail  rule: broken"
    assert outcome(KeyError("x")) == "fail  rule: it raised KeyError: 'x'"


def test_require():
    require(True, "fine")
    with pytest.raises(Failed, match="not fine"):
        require([], "not fine")
