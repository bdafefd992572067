import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mesofuse.errors import UserError
from mesofuse.models.arrays import HEADER_BYTES, KEPT, pack, unpack

TYPES = st.sampled_from([np.dtype(name).newbyteorder(order) for name in KEPT for order in "<>"])
ARRAYS = TYPES.flatmap(
    lambda dtype: hnp.arrays(
        dtype,
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
        elements=hnp.from_dtype(dtype, allow_nan=False),
    )
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=8).filter(lambda n: n != "__metadata__"), ARRAYS, max_size=4))
def test_arrays_of_every_type_and_shape_come_back(state):
    state = {name: value.T for name, value in state.items()}  # not contiguous where there are two axes
    found = unpack(pack(state), "a file")
    assert found.keys() == state.keys()
    for name, value in state.items():
        assert found[name].shape == value.shape
        assert found[name].dtype == value.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.array(["a"]), "type <U1"),
        (np.array([1j]), "type complex128"),
        (np.array([1], np.longdouble), "type float128"),
        (np.array(["2020"], "M8[D]"), r"type datetime64\[D\]"),
        (np.array([object()]), "type object"),
        (np.ma.masked_array([1.0, 2.0], [0, 1]), "type MaskedArray"),
        ([1.0], "type list"),
        (3.0, "type float"),
        (np.array([1.0, np.nan], np.float32), "no numbers"),
    ],
)
def test_what_can_not_be_kept_is_refused(value, words):
    with pytest.raises(UserError, match=f"'odd'.*{words}"):
        pack({"fine": np.zeros(2), "odd": value})


@pytest.mark.parametrize("name", ["", 3, "__metadata__"])
def test_names_that_can_not_be_kept(name):
    with pytest.raises(UserError, match="under the name"):
        pack({name: np.zeros(1)})


def header(text, data=b""):
    return len(text).to_bytes(8, "little") + text.encode() + data


HOSTILE = {
    "empty": b"",
    "short": b"\x01\x00",
    "a header longer than the file": (10**6).to_bytes(8, "little") + b"{}",
    "a header of exabytes": b"\xff" * 8 + b"{}",
    "no JSON": header("{" * 20),
    "nested": header('{"a":' * 100_000),
    "offsets beyond the file": header('{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}', b"\0" * 8),
    "offsets that overflow": header('{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,18446744073709551616]}}'),
    "offsets that overlap": header(
        '{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[4,12]}}',
        b"\0" * 12,
    ),
    "a huge shape": header('{"a":{"dtype":"F64","shape":[9223372036854775807,16],"data_offsets":[0,8]}}', b"\0" * 8),
    "a huge empty shape": header('{"a":{"dtype":"F64","shape":[0,9223372036854775807],"data_offsets":[0,0]}}'),
    "a negative shape": header('{"a":{"dtype":"F64","shape":[-1],"data_offsets":[0,8]}}', b"\0" * 8),
    "an unknown type": header('{"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}', b"\0" * 8),
    "data that nobody names": header("{}", b"\0" * 8),
    "NaN": header('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"\xff" * 4),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_one_sentence(name):
    with pytest.raises(UserError) as caught:
        unpack(HOSTILE[name], "a.safetensors")
    assert "a.safetensors" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_longer_header_is_not_even_parsed():
    text = "{" + " " * HEADER_BYTES + "}"
    with pytest.raises(UserError, match="16 MiB"):
        unpack(header(text), "a.safetensors")
