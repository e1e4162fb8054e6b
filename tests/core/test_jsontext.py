"""JSON of somebody else's: whatever it is, it is either a value or a `ValueError`."""

import pytest

from binderhub_ext.core.jsontext import parse_json


@pytest.mark.parametrize(
    "text", [b"[" * 16_000, '{"a":' * 100_000, b"\xff", "", "9" * 10_000, "nul"]
)
def test_no_value(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


def test_value() -> None:
    assert parse_json(b'{"a": [1, null]}') == {"a": [1, None]}
