import pytest

from mesofuse.config.schema import drift, kind_schema, schemas, write
from mesofuse.interfaces.component import KINDS
from mesofuse.registry import load_registry


@pytest.fixture(scope="module")
def found():
    return schemas(load_registry())


def references(value):
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [r for v in value.values() for r in references(v)]
    return [r for v in value for r in references(v)] if isinstance(value, list) else []


def test_one_document_a_kind(found):
    assert set(KINDS) < set(found)


def test_every_reference_leads_somewhere(found):
    for name, schema in found.items():
        for reference in references(schema):
            part = schema
            for key in reference.removeprefix("#/").split("/"):
                assert key in part, f"{name}: {reference}"
                part = part[key]


def test_a_component_is_chosen_by_its_name(found):
    schema = found["generator"]
    for name, reference in schema["discriminator"]["mapping"].items():
        part = schema["$defs"][reference.rsplit("/", 1)[1]]
        assert part["properties"]["name"] == {"const": name, "type": "string"}
        assert part["required"] == ["name"]
        assert part["additionalProperties"] is False
    assert [{"$ref": r} for r in schema["discriminator"]["mapping"].values()] == schema["oneOf"]


def test_every_option_has_a_description(found):
    for kind in KINDS:
        for name, reference in found[kind]["discriminator"]["mapping"].items():
            for option, field in found[kind]["$defs"][reference.rsplit("/", 1)[1]]["properties"].items():
                described = field.get("description") or "$ref" in field  # what it refers to has one
                assert option == "name" or described, f"{kind} {name}: {option}"


def test_no_components_allow_nothing():
    assert kind_schema("loss", [])["not"] == {}


def test_nothing_temporary_is_left(found, tmp_path):
    write(tmp_path, found)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"{name}.schema.json" for name in found)
    assert drift(tmp_path, found) == []
