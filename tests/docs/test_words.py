"""Docstrings and pages keep the house's words: imperative openings, "If" entries, one glossary."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("mesofuse/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")])
PAGES = sorted(p for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.md")])
BANNED = {
    r"\b(gone|goes|go|going) on with\b": "resume, continue",
    r"\bin the place of\b": "instead of",
    r"\bcan not\b": "cannot, can't",
    r"\bbeside (?!or)\w": "next to, besides",
    r"\b[Ll]ow-resolution (volume|voxel|phase|grid|instrument)s?\b": "scan",
    r"\b[Hh]igh-resolution (image|phase)s?\b": "image",
}
NOUNS = {
    "Whether",
    "The",
    "A",
    "An",
    "Every",
    "Whole",
    "What",
    "Where",
    "How",
    "Is",
    "Are",
    "This",
    "It",
    "True",
    "False",
}


def functions(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (text := ast.get_docstring(node)):
            kinds = {ast.unparse(d).split("(")[0].split(".")[-1] for d in node.decorator_list}
            if not kinds & {"property", "cached_property"}:
                yield node, text


def test_docstrings_of_functions_open_with_a_verb():
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {text.splitlines()[0]}"
        for path in SOURCES
        for node, text in functions(path)
        if text.split()[0].rstrip(",;") in NOUNS or not re.match(r"[A-Z][a-z]+", text)
    ]
    assert not wrong


def test_raises_entries_are_clauses():
    entries = [
        (f"{path.relative_to(ROOT)}:{node.lineno}", entry)
        for path in SOURCES
        for node, text in functions(path)
        for section in re.findall(r"^Raises:\n((?:    .*\n?)+)", text, re.MULTILINE)
        for entry in re.findall(r"^    \w+(?:, \w+)*: (.*)", section, re.MULTILINE)
    ]
    assert len(entries) > 200
    assert not [e for e in entries if not re.match(r"If |On Ctrl-C|See |As ", e[1])]


@pytest.mark.parametrize("words", BANNED)
def test_one_way_to_say_it(words):
    found = [
        f"{path.relative_to(ROOT)}:{number} (instead: {BANNED[words]})"
        for path in [*SOURCES, *PAGES]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(words, line)
    ]
    assert not found
