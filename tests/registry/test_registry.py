import subprocess
import sys

import pytest

from mesofuse.errors import UserError
from mesofuse.interfaces.events import RunFinished, TileDone
from mesofuse.registry import get_registry, load_registry
from mesofuse.registry.registry import PluginProblem, Registry

OURS = {"adversarial", "metrics", "statistical", "superres"}
HEAD = "from mesofuse.interfaces.hookimpl import hookimpl\nMESOFUSE_API = 1\n"


def problem_of(registry, distribution):
    (problem,) = [p for p in registry.problems if p.distribution == distribution]
    return problem.error


def test_our_plugins_load_without_problems():
    registry = load_registry()
    assert {p.name for p in registry.plugins} >= OURS
    assert registry.problems == []


def test_listing_imports_no_torch():
    code = (
        "import sys\nfrom mesofuse.registry import load_registry\nr = load_registry()\n"
        "assert r.components('generator'), r.problems\n"
        "heavy = {'torch', 'dask', 'zarr', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_installed_distribution_appears(install):
    install("some-plugin")
    registry = load_registry()
    component = registry.find("generator", "tiny")
    assert (component.plugin, component.distribution, component.version) == ("some_plugin", "some-plugin", "1.2")
    (info,) = [p for p in registry.plugins if p.name == "some_plugin"]
    assert info.components == (component,)
    assert info.module == "some_plugin"
    assert registry.problems == []


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("raise ImportError('no such thing')", "importing bad raised ImportError: no such thing"),
        ("import surely_not_installed", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise BaseException('odd')", "BaseException: odd"),
        ("def broken(:", "SyntaxError"),
        ("x = 1", "does not state MESOFUSE_API; this mesofuse has plugin API 1"),
        ("MESOFUSE_API = 7", "written for plugin API 7, but this mesofuse has plugin API 1"),
        ("MESOFUSE_API = '1'", "plugin API '1'"),
        ("MESOFUSE_API = True", "plugin API True"),
        (
            HEAD + "@hookimpl\ndef mesofuse_components():\n    raise KeyError('x')",
            "mesofuse_components raised KeyError",
        ),
        (HEAD + "@hookimpl\ndef mesofuse_components():\n    return 5", "returned int; it must return a list"),
        (HEAD + "@hookimpl\ndef mesofuse_components(extra):\n    return []", "wrong signature"),
        (HEAD + "@hookimpl\ndef mesofuse_componets():\n    return []", "Did you mean 'mesofuse_components'?"),
        (HEAD + "def mesofuse_components():\n    return []", "lacks the marker @hookimpl"),
    ],
)
def test_a_broken_plugin_is_reported_and_harms_nothing(install, source, text):
    install("bad", source=source)
    install("good")
    registry = load_registry()
    assert text in problem_of(registry, "bad")
    assert registry.find("generator", "tiny").distribution == "good"
    assert {p.name for p in registry.plugins} >= OURS | {"good"}
    assert "bad" not in {p.name for p in registry.plugins}


def test_a_keyboard_interrupt_at_import_is_the_users_own(install):
    install("bad", source="raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_registry()


def test_an_invalid_spec_leaves_the_others_of_its_plugin(install):
    source = HEAD + (
        "from mesofuse.interfaces.component import ComponentSpec\n"
        "@hookimpl\ndef mesofuse_components():\n"
        "    rest = ('S.', 'a:B', 'a:C')\n"
        "    return [ComponentSpec('generatr', 'one', *rest), ComponentSpec('loss', 'two', *rest)]\n"
    )
    install("mixed", source=source)
    registry = load_registry()
    assert "'generatr' is not a kind of component. Did you mean 'generator'?" in problem_of(registry, "mixed")
    assert registry.find("loss", "two").distribution == "mixed"


def test_of_two_with_one_name_the_first_is_kept_and_the_other_reported(install):
    install("zeta")
    install("alpha")
    install("mesofuse-omega")
    registry = load_registry()
    assert registry.find("generator", "tiny").distribution == "mesofuse-omega"
    for name in ("alpha", "zeta"):
        expected = "it supplies a generator 'tiny', but mesofuse-omega supplied one first, which is kept."
        assert problem_of(registry, name) == expected


def test_only_restricts_what_loads(install):
    install("some-plugin")
    registry = load_registry(only=["metrics", "some_plugin"])
    assert {p.name for p in registry.plugins} == {"metrics", "some_plugin"}
    registry = load_registry(only=["metric"])
    (problem,) = registry.problems
    assert problem.error.startswith("it is asked for but not installed. Did you mean 'metrics'?")


def test_strict_raises(install):
    install("bad", source="raise ImportError('no such thing')")
    with pytest.raises(UserError, match="Plugin 'bad' of bad: importing bad raised ImportError: no such thing"):
        load_registry(strict=True)


@pytest.fixture
def fresh_registry():
    get_registry.cache_clear()
    yield
    get_registry.cache_clear()


@pytest.mark.usefixtures("fresh_registry")
def test_the_environment_restricts_the_processs_registry(monkeypatch):
    monkeypatch.setenv("MESOFUSE_PLUGINS", "metrics, statistical")
    assert {p.name for p in get_registry().plugins} == {"metrics", "statistical"}
    assert get_registry() is get_registry()


@pytest.mark.usefixtures("fresh_registry")
def test_the_environment_makes_it_strict(install, monkeypatch):
    install("bad", source="raise ImportError('no such thing')")
    monkeypatch.setenv("MESOFUSE_STRICT", "0")
    assert get_registry().problems
    get_registry.cache_clear()
    monkeypatch.setenv("MESOFUSE_STRICT", "1")
    with pytest.raises(UserError, match="Plugin 'bad'"):
        get_registry()


def test_find_names_the_nearest_and_what_did_not_load(install):
    install("bad", source="raise ImportError")
    registry = load_registry()
    with pytest.raises(UserError, match=r"There is no critic 'suprres'. Did you mean 'superres'\?.*Not loaded.*: bad;"):
        registry.find("critic", "suprres")
    with pytest.raises(UserError, match=r"'criitc' is not a kind of component. Did you mean 'critic'"):
        registry.find("criitc", "superres")


def test_components_are_sorted_and_of_the_kind_asked_for():
    registry = load_registry()
    keys = [(c.spec.kind, c.spec.name) for c in registry.components()]
    assert keys == sorted(keys)
    assert {c.spec.kind for c in registry.components("metric")} == {"metric"}


LISTENER = HEAD + "seen = []\n@hookimpl\ndef mesofuse_event(event):\n    seen.append(event)\n"
RAISING = HEAD + "@hookimpl\ndef mesofuse_event(event):\n    raise RuntimeError('no network')\n"


def test_events_reach_every_listener_though_one_raises(install):
    install("a-raising", source=RAISING)
    install("listening", source=LISTENER)
    registry = load_registry()
    events = [TileDone(1, 2, 64), RunFinished("fuse", "out")]
    for event in events:
        registry.emit(event)
    assert sys.modules["listening"].seen == events
    expected = PluginProblem("a_raising", "a-raising", "mesofuse_event raised RuntimeError: no network")
    assert registry.problems == [expected]


def test_formats_of_plugins(install):
    source = HEAD + (
        "from mesofuse.interfaces.component import FormatSpec\n"
        "@hookimpl\ndef mesofuse_formats():\n"
        "    return [FormatSpec('nrrd', ('.nrrd',), 'S.', 'nrrd_io:read'), FormatSpec('bad', ('nrrd',), 'S.', 'a:b')]\n"
    )
    install("first", source=source)
    install("second", source=source)
    registry = load_registry()
    assert [f.name for f in registry.formats] == ["nrrd"]
    errors = [(p.distribution, p.error) for p in registry.problems]
    assert ("second", "it supplies a format 'nrrd', which another plugin supplied first.") in errors
    assert sum("lower-case endings with their dot" in error for _, error in errors) == 2


def test_extra_modules_join(install):
    site = install("some-plugin", entry_points="[other]\nx = y\n")
    import some_plugin

    assert site.is_dir()
    registry = load_registry(only=[], extra=[some_plugin])
    assert registry.find("generator", "tiny").plugin == "some_plugin"
    assert [p.name for p in registry.plugins] == ["some_plugin"]


def test_without_any_plugin_it_says_what_to_install():
    with pytest.raises(UserError, match=r"no plugin is installed: pip install 'mesofuse\[all\]'"):
        Registry().find("method", "superres")
