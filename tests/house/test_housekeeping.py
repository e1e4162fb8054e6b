"""Every part of a work fails alone, and is told."""

from __future__ import annotations

import asyncio

import pytest

from binderhub_ext.housekeeping import alone


@pytest.mark.parametrize("error", [OSError("x"), RecursionError("x"), MemoryError(), KeyError("x")])
def test_the_rest_goes_on(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    done = []
    for name in ("one", "two", "three"):
        with alone(f"Doing {name}"):
            if name == "two":
                raise error
            done.append(name)
    assert done == ["one", "three"]
    assert "Doing two failed" in caplog.text and "Doing one" not in caplog.text


def test_an_end_is_no_failure() -> None:
    with pytest.raises(asyncio.CancelledError), alone("Doing"):
        raise asyncio.CancelledError
