from mesofuse.models.card import cell, model_card


def record(name):
    phase = {"value": 0, "name": name, "color": "#000000"}
    problem = {"scale": [4, 4, 4], "phases": [phase], "low_phases": [phase], "shows": [[0]], "content": "phases"}
    return {"method": "m", "problem": problem, "provenance": {"created": name, "inputs": {name: name}, "versions": {}}}


def test_names_from_files_break_no_table_and_bring_no_markup():
    card = model_card(record("a|b\n| c | <script>`x`\x1b[31m"))
    rows = [line for line in card.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") == 3 for line in rows)
    assert "<script>" not in card.replace("\\<", "")
    assert "\x1b" not in card
    assert "a\\|b\\\\n\\| c" in card


def test_plain_names_stay():
    assert cell("pore_2 (low-res), 0.4 µm") == "pore_2 (low-res), 0.4 µm"
