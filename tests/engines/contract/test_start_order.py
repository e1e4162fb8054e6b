"""The least engine there can be starts its servers as all do, and a verb less is no engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from memory_spawner import IMAGE, MemorySpawner
from sandboxhub import SandboxHub
from startorder import *  # noqa: F403

from binderhub_ext.engines.base import Builder
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.spawner import BinderSpawnerMixin

HERE = Path(__file__).parent
_MEMORY = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
c.JupyterHub.spawner_class = "memory_spawner.MemorySpawner"
c.Spawner.cmd = [sys.executable, {str(HERE.parents[1] / "service" / "tiny_server.py")!r}]
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[SandboxHub]:
    with TemporaryDirectory(prefix="bh-", ignore_cleanup_errors=True) as folder:
        hub = SandboxHub(Path(folder), extra=_MEMORY)
        hub.image = IMAGE
        try:
            hub.start()
            yield hub
        finally:
            hub.stop()


@pytest.mark.parametrize("verb", BinderSpawnerMixin.lacking)
def test_an_engine_without_a_verb_cannot_be_made(verb: str) -> None:
    lacking = type("Lacking", (MemorySpawner,), {verb: getattr(BinderSpawnerMixin, verb)})
    with pytest.raises(TypeError, match=f"lacks {verb}$"):
        lacking()
    assert MemorySpawner()


@pytest.mark.parametrize("verb", Builder.lacking)
def test_a_builder_without_a_verb_cannot_be_made(verb: str) -> None:
    with pytest.raises(TypeError, match=f"lacks {verb}$"):
        type("Lacking", (LocalBuilder,), {verb: getattr(Builder, verb)})()
