"""JSON of files that may be damaged or hostile: whatever is wrong with one is a ``ValueError``."""

from __future__ import annotations

import json
from typing import Any


def load_json(text: str) -> Any:
    """Return what a JSON text holds.

    Raises:
        ValueError: If it is not JSON, or is nested deeper than can be followed.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
