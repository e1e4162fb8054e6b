"""Every part of a work fails alone, and is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from binderhub_ext import housekeeping
from binderhub_ext.housekeeping import again, alone, tidy_away


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


async def test_what_is_done_each_day_is_not_put_off_by_how_long_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a day is left out now and then, of which something is written down each day."""
    now, begun = 0.0, []

    async def work() -> None:
        nonlocal now
        begun.append(now)
        now += 5 if len(begun) < 4 else 30

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        if len(begun) == 5:
            raise asyncio.CancelledError

    monkeypatch.setattr(housekeeping, "monotonic", lambda: now)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await again(24, work)
    assert begun == [0, 24, 48, 72, 102], "but for what takes longer than a day"


def test_what_cannot_be_removed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tree/in").mkdir(parents=True)
    assert tidy_away(tmp_path / "tree") and not caplog.text
    monkeypatch.setattr(housekeeping, "remove_tree", lambda path: False)
    assert not tidy_away(tmp_path / "stuck")
    assert "Not all of" in caplog.text and "stuck" in caplog.text
