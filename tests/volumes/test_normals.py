from mesofuse.testing.problems import blobs
from mesofuse.volumes.normals import by_normals


def test_each_image_is_there_once_by_its_axes():
    one, other, third = (blobs((1, 8, 8), 2, seed=i) for i in range(3))
    assert list(by_normals(dict.fromkeys(range(3), one))) == ["zyx"]
    assert list(by_normals({0: one, 1: other, 2: one}).items()) == [("zx", one), ("y", other)]
    assert list(by_normals({0: one, 1: other, 2: other})) == ["z", "yx"]
    assert list(by_normals({2: third, 0: one, 1: other})) == ["z", "y", "x"]
    assert by_normals({0: one}) == {"z": one}


def test_equal_images_are_not_one():
    assert list(by_normals({0: blobs((1, 8, 8), 2), 1: blobs((1, 8, 8), 2)})) == ["z", "y"]
