from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from mesofuse.registry.explain import explain


class Needy(BaseModel):
    model_config = ConfigDict(extra="forbid")
    low_res: str

    @model_validator(mode="after")
    def check(self):
        if self.low_res == "same":
            raise ValueError("Give two different files.")
        return self


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({}, "The job needs the option 'low_res', which is missing."),
        ({"low_res": "same"}, "The options of the job are not usable: Give two different files."),
        ({"low_res": "x", "lowres": 1}, "The job has no option 'lowres'. Did you mean 'low_res'? Valid: low_res."),
    ],
)
def test_one_sentence(data, text):
    with pytest.raises(ValidationError) as error:
        Needy.model_validate(data)
    assert explain(error.value, "the job", Needy) == text


def test_a_field_of_several_types_is_named_alone():
    class Either(BaseModel):
        turn: Literal["a", "b"] | tuple[int, int] = "a"

    with pytest.raises(ValidationError) as error:
        Either.model_validate({"turn": "c"})
    assert explain(error.value, "the job", Either).startswith("The option 'turn' of the job can't be 'c': ")
