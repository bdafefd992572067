import pytest

from mesofuse.errors import UserError
from mesofuse.registry import load_registry


@pytest.fixture
def component(install):
    install("some-plugin")
    return load_registry(only=["some_plugin"]).find("generator", "tiny")


def test_options_are_defaults_mappings_or_themselves(component):
    assert component.options().width == 3
    options = component.options({"width": 5})
    assert options.width == 5
    assert component.options(options) is options


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"widht": 4}, "The generator 'tiny' has no option 'widht'. Did you mean 'width'? Valid: inner, width."),
        (
            {"width": 0},
            "The option 'width' of the generator 'tiny' can't be 0: input should be greater than",
        ),
        ({"width": "wide"}, "can't be 'wide': input should be a valid integer"),
        ({"inner": {"dept": 1}}, "has no option 'inner.dept'. Did you mean 'depth'? Valid: depth."),
        ({"inner": {"depth": 0}, "width": 0}, "(1 more like it.)"),
    ],
)
def test_a_bad_option_is_one_sentence(component, data, text):
    with pytest.raises(UserError) as error:
        component.options(data)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_build_hands_on_the_options_and_the_rest(component):
    part = component.build({"width": 7}, "problem")
    assert part.options.width == 7
    assert part.args == ("problem",)


def test_what_cannot_be_imported_is_a_sentence(install):
    install("some-plugin")
    component = load_registry(only=["some_plugin"]).find("generator", "tiny")
    for field, value, text in (
        ("target", "not_there_at_all:Part", "ModuleNotFoundError"),
        ("target", "some_plugin_parts:Absent", "AttributeError"),
    ):
        broken = type(component)(
            type(component.spec)(**{**vars(component.spec), field: value}), *list(vars(component).values())[1:]
        )
        with pytest.raises(UserError, match=f"of some-plugin can't be loaded from {value}: {text}"):
            broken.load()


def test_options_that_are_no_options_are_a_sentence(component):
    spec = type(component.spec)(**{**vars(component.spec), "options": "some_plugin_parts:Part"})
    broken = type(component)(spec, *list(vars(component).values())[1:])
    with pytest.raises(UserError, match=r"which is not a subclass of mesofuse.interfaces.options.Options"):
        broken.options()
