"""YAML of configurations: plain values alone, each key once, and no more of them than a person writes."""

from __future__ import annotations

from typing import Any

import yaml

DEEPEST = 50
MOST = 100_000
LONGEST = 4_000_000


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with bounds: aliases can make a text of a line stand for more than any memory holds."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise yaml.YAMLError(f"it is nested more than {DEEPEST} deep")
        try:
            node: yaml.Node | None = super().compose_node(parent, index)
        finally:
            self._depth -= 1
        return node

    def construct_document(self, node: yaml.Node) -> Any:
        _count(node, {}, ())
        return super().construct_document(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.YAMLError(f"the key in line {key.start_mark.line + 1} is not a word")
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            name = self.construct_object(key)
            if name in seen:
                raise yaml.YAMLError(f"the key {name!r} stands there twice, again in line {key.start_mark.line + 1}")
            seen.add(name)
        return super().construct_mapping(node, deep)


def _count(node: yaml.Node, known: dict[int, int], above: tuple[int, ...]) -> int:
    """Return how many values a node stands for, its aliases written out."""
    if id(node) in above:
        raise yaml.YAMLError("an alias stands for what holds it")
    if id(node) not in known:
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            inner = node.value
        elif isinstance(node, yaml.MappingNode):
            inner = [part for pair in node.value for part in pair]
        known[id(node)] = 1 + sum(_count(part, known, (*above, id(node))) for part in inner)
        if known[id(node)] > MOST:
            raise yaml.YAMLError(f"it stands for more than {MOST:,} values")
    return known[id(node)]


def load_yaml(text: str) -> Any:
    """Return what a YAML text holds: mappings, lists, text, numbers, dates, true, false and null.

    Raises:
        yaml.YAMLError: If it is no YAML, holds tags of other types, a key twice, more than 4 million characters or
            100,000 values (aliases written out), or is nested more than 50 deep.
    """
    if len(text) > LONGEST:
        raise yaml.YAMLError(f"it has {len(text):,} characters, more than {LONGEST:,}")
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    except (ValueError, OverflowError, LookupError, TypeError) as error:  # a date or number that can't be
        raise yaml.YAMLError(f"a value can't be read: {error}") from error
    finally:
        loader.dispose()
