from mesofuse.testing import assert_conforms


def test_conforms_to_the_kit():
    assert_conforms("generator", "two-layer")
