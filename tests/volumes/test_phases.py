import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.phases import MAX_PHASES, Phase, PhaseMatch, default_phases, parse_rules, phase_value

LOW = default_phases(2, ("pore", "active"))
HIGH = default_phases(3, ("pore", "active", "binder"))


def test_default_phases_number_name_and_colour():
    phases = default_phases(12, ("pore",))
    assert [p.value for p in phases] == list(range(12))
    assert phases[0].name == "pore"
    assert phases[1].name == "phase 1"
    assert phases[11].color == phases[1].color  # the palette begins again
    assert Phase(0, "x", "#ff8000").rgb == (255, 128, 0)


@pytest.mark.parametrize(
    ("count", "names", "message"),
    [
        (0, (), "from 1 to 255"),
        (MAX_PHASES + 1, (), "grey-level"),
        (1, ("a", "b"), "2 phase names were given"),
        (3, ("a", "a"), "given twice"),
    ],
)
def test_impossible_phases_are_refused(count, names, message):
    with pytest.raises(UserError, match=message):
        default_phases(count, names)


def test_phase_value_takes_names_and_numbers():
    assert phase_value(" binder", HIGH) == 2
    assert phase_value("1", HIGH) == 1
    with pytest.raises(UserError, match="Did you mean 'binder'"):
        phase_value("bindr", HIGH)


def test_match_by_index_is_the_papers():
    assert PhaseMatch.by_index(2, 3).shows == ((0,), (1,))
    with pytest.raises(UserError, match="4 phases but the image only 3"):
        PhaseMatch.by_index(4, 3)


def test_match_by_rules():
    match = PhaseMatch.parse({"active": ["active"], "0": ["pore", "2"]}, LOW, HIGH)
    assert match.shows == ((0, 2), (1,))


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"pore": ["pore"]}, "No rule says what .* 'active'"),
        ({"pore": ["pore"], "active": ["pore"]}, "'pore' is shown by two"),
        ({"pore": ["pore"], "active": []}, "'active' shows no phase"),
        ({"pore": ["pore"], "active": ["actve"]}, "Did you mean 'active'"),
        ({"void": ["pore"], "active": ["active"]}, "no phase 'void'"),
    ],
)
def test_bad_rules_are_refused(rules, message):
    with pytest.raises(UserError, match=message):
        PhaseMatch.parse(rules, LOW, HIGH)


def test_rules_are_read_as_users_type_them():
    assert parse_rules(["0=pore, binder", "active = 1"]) == {"0": ("pore", "binder"), "active": ("1",)}
    assert PhaseMatch.parse(parse_rules(["0=pore,binder", "1=active"]), LOW, HIGH).shows == ((0, 2), (1,))


@pytest.mark.parametrize(
    ("rules", "message"),
    [(["pore"], "not of the form"), (["", "0=1"], "not of the form"), (["0=1", " 0=2"], "Two rules")],
)
def test_malformed_rules_are_refused(rules, message):
    with pytest.raises(UserError, match=message):
        parse_rules(rules)


def test_phases_that_nothing_shows_are_free():
    phases = default_phases(3, ["pore", "active", "binder"])
    assert [p.name for p in PhaseMatch(((0,), (1,))).free(phases)] == ["binder"]
    assert PhaseMatch(((0, 2), (1,))).free(phases) == ()
    assert PhaseMatch(()).free(phases) == ()
