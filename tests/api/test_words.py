import pytest

from mesofuse.api.words import Note, in_python, in_words, note
from mesofuse.errors import UserError


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("give --low-res and --scale.", "give scan and scale."),
        ("leave out --image-pixel-size", "leave out pixel_size"),
        (
            "another --seed or a smaller rate (--set optimizer.rate=…)",
            "another seed or a smaller rate (options optimizer.rate=…)",
        ),
        ("for example --phases pore,active,binder.", "for example phases=['pore', 'active', 'binder']."),
        ("--shows 0=pore,binder --shows 1=active.", "shows={0: ['pore', 'binder'], 1: ['active']}."),
        ("nothing to say -- really", "nothing to say -- really"),
    ],
)
def test_options_are_named_as_arguments(said, expected):
    assert in_words(said) == expected


def test_a_refusal_keeps_its_kind_and_its_cause():
    class Special(UserError):
        pass

    @in_python
    def refuse():
        raise Special("give --voxel-size") from ValueError("a cause")

    with pytest.raises(Special, match="give voxel_size") as caught:
        refuse()
    assert isinstance(caught.value.__cause__, ValueError)


def test_notes_are_warnings():
    with pytest.warns(Note, match="leave out scale"):
        note("leave out --scale")
