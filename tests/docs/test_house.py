"""The structure of the code: what import-linter's layers do not say."""

import grimp


def circles(imports):
    """Return the groups of modules that import each other, by Tarjan's algorithm in its plain recursive form."""
    index, low, stack, found = {}, {}, [], []

    def visit(module):
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in imports.get(module, ()):
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            at = stack.index(module)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for module in imports:
        if module not in index:
            visit(module)
    return found


def test_a_circle_is_found():
    assert circles({"a": ["b"], "b": ["c"], "c": ["b"], "d": ["a"]}) == [["b", "c"]]


def test_no_modules_import_each_other_in_a_circle():
    graph = grimp.build_graph("mesofuse", cache_dir=None)
    assert circles({m: sorted(graph.find_modules_directly_imported_by(m)) for m in sorted(graph.modules)}) == []
