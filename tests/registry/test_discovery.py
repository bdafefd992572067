import sys

import pytest

from mesofuse.registry import discovery
from mesofuse.registry.discovery import find_plugins


def names():
    return [(p.distribution, p.name) for p in find_plugins()]


def test_ours_come_first_then_the_alphabet(install):
    for name in ("zeta", "alpha", "mesofuse-zz"):
        install(name)
    found = names()
    assert found[-3:] == [("mesofuse-zz", "mesofuse_zz"), ("alpha", "alpha"), ("zeta", "zeta")]
    assert all(distribution.startswith("mesofuse-") for distribution, _ in found[:-2])


@pytest.mark.parametrize(
    "text",
    [
        "[console_scripts\nno equals sign here\n",
        "loose = line before any section\n[x]\n",
        "[a]\nx = y\n[a]\nx = z\n",
        b"\xff\xfe broken bytes",
    ],
)
def test_a_strangers_malformed_file_takes_nothing_down(install, text):
    expected = names()
    install("stranger", entry_points=text)
    install("good")
    assert names() == [*expected, ("good", "good")]


def test_a_malformed_file_that_wants_to_be_ours_is_reported(install):
    install("ours-but-broken", entry_points="[mesofuse.plugins]\nno equals sign here\n")
    (found,) = [p for p in find_plugins() if p.distribution == "ours-but-broken"]
    assert found.error == "its entry_points.txt is malformed."


@pytest.mark.parametrize("break_other", [False, True])
@pytest.mark.parametrize(
    ("target", "text"),
    [("not a module!", "does not name a module"), ("good:Thing", "it must name a module")],
)
def test_a_bad_target_is_reported(install, target, text, break_other):
    if break_other:
        install("stranger", entry_points="[console_scripts\n")
    install("good", entry_points=f"[mesofuse.plugins]\ngood = {target}\n")
    (found,) = [p for p in find_plugins() if p.distribution == "good"]
    assert text in found.error


def test_both_ways_of_reading_agree(install):
    install("Some.Plugin", entry="some")
    key = lambda p: (p.distribution, p.name)  # noqa: E731
    assert sorted(discovery._by_entrypoints(), key=key) == sorted(discovery._by_metadata(), key=key)
    assert ("some-plugin", "some") in names()


def test_a_second_copy_further_down_the_path_is_shadowed(install, tmp_path, monkeypatch):
    install("twice", name="here")
    other = tmp_path / "other" / "twice-0.9.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: twice\nVersion: 0.9\n")
    (other / "entry_points.txt").write_text("[mesofuse.plugins]\nold = twice\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "other")])
    for read in (discovery._by_entrypoints, discovery._by_metadata):
        assert [(p.name, p.version) for p in read() if p.distribution == "twice"] == [("twice", "1.2")]
