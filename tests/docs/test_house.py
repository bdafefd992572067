"""The structure of the code: what import-linter's layers do not say."""

from graphlib import CycleError, TopologicalSorter

import grimp


def circles(imports):
    """Return a group of modules that import each other, as a list of its own; nothing where there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return [sorted(set(error.args[1]))]
    return []


def test_a_circle_is_found():
    assert circles({"a": ["b"], "b": ["c"], "c": ["b"], "d": ["a"]}) == [["b", "c"]]


def test_no_modules_import_each_other_in_a_circle():
    graph = grimp.build_graph("mesofuse", cache_dir=None)
    assert circles({m: sorted(graph.find_modules_directly_imported_by(m)) for m in sorted(graph.modules)}) == []
