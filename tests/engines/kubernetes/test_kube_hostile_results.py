"""What a build leaves and says is a stranger's: it is followed nowhere, and ends somewhere."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from binderhub_ext.engines.kubernetes.api import Api
from binderhub_ext.engines.kubernetes.push import is_of_files
from binderhub_ext.programs import LINE_LENGTH


@pytest.fixture
def image(tmp_path: Path) -> Path:
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    (folder / ("0" * 64)).write_bytes(b"layer")
    return folder


def as_a_link(image: Path) -> None:
    image.rename(image.with_name("elsewhere"))
    image.symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("change", "plain"),
    [
        (lambda _: None, True),
        (lambda image: (image / ("1" * 64)).symlink_to("/credentials/.dockerconfigjson"), False),
        (lambda image: (image / ("1" * 64)).symlink_to("manifest.json"), False),
        (lambda image: os.mkfifo(image / "version"), False),
        (lambda image: (image / "more").mkdir(), False),
        (as_a_link, False),
    ],
)
def test_an_image_to_push_is_of_plain_files(
    image: Path, change: Callable[[Path], None], plain: bool
) -> None:
    """A program that follows links would push the registry's credentials as a layer."""
    change(image)
    assert is_of_files(image) is plain


class Endless:
    """A container's log that has one line."""

    async def iter_any(self) -> AsyncIterator[bytes]:
        yield b"first\n"
        for _ in range(100):
            yield b"a" * 16384
        yield b"\nlast"


async def test_a_line_without_end_does_not_grow() -> None:
    async def read(*_: object, **__: object) -> Any:
        return SimpleNamespace(raise_for_status=lambda: None, close=lambda: None, content=Endless())

    core = SimpleNamespace(_core=SimpleNamespace(read_namespaced_pod_log=read), _namespace="ns")
    lines = [line async for line in Api.log(cast(Api, core), "pod", "build")]
    assert (lines[0], lines[-1]) == (b"first", b"last")
    assert len(lines) == 3 and len(lines[1]) < 2 * 16384 + LINE_LENGTH * 4
