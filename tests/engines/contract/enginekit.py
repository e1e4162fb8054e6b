"""An engine under test, and how tests of every engine use it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dockerhub import docker
from kubehub import Namespace
from patience import wait_until
from traitlets.config import Config

from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.engines.base import Builder, Image
from binderhub_ext.engines.installed import find_engine, load_builder
from binderhub_ext.engines.kubernetes.labels import HUB
from binderhub_ext.repos.base import Source

HERE = Path(__file__).parent


@dataclass
class Kit:
    """An engine under test.

    Attributes:
        name: the engine.
        data: the data directory.
        settings: of its builder.
        others: settings of other classes, by name.
        namespace: of a cluster, for an engine that has one.
    """

    name: str
    data: Path
    settings: dict[str, Any]
    others: dict[str, Any] = field(default_factory=dict)
    namespace: Namespace | None = None

    def builder(self, **settings: Any) -> Builder:
        """A builder as a service has it; further settings over ours."""
        config = Config({**self.others, self.class_name: {**self.settings, **settings}})
        return load_builder(find_engine(self.name), config, DataDirectory(self.data))

    @property
    def class_name(self) -> str:
        return find_engine(self.name).builder.partition(":")[2]

    def start_build(self, source: Source) -> subprocess.Popen[str]:
        """A build in another process, which tells each event as a line and the image last."""
        question = {
            "engine": self.name,
            "data": str(self.data),
            "config": {**self.others, self.class_name: self.settings},
            "bundle": str(source.bundle),
            "tree": source.tree,
            "commit": source.commit.id,
            "url": source.commit.repo.url,
        }
        return subprocess.Popen(
            [sys.executable, str(HERE / "build_process.py"), json.dumps(question)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @contextmanager
    def in_use(self, image: Image) -> Iterator[None]:
        """As if a server ran from an image."""
        if self.namespace:
            labels = f"--labels={HUB}={self.namespace.cluster.hub}"
            command = ("--command", "--", "sleep", "600")
            run = ("run", "in-use", f"--image={image.name}", labels, *command)
            self.namespace.kubectl(*run)
            try:
                yield
            finally:
                self.namespace.kubectl("delete", "pod", "in-use", "--now")
            return
        if self.name == "docker":
            options = ("run", "-d", "--rm", "--network=none", "--entrypoint=sleep")
            name = docker(*options, image.name, "600")
            try:
                yield
            finally:
                docker("rm", "-f", name)
            return
        from binderhub_ext.engines.local.store import SERVER_LOCK

        with (self.data / "environments" / image.name / SERVER_LOCK).open("rb") as lock:
            # As bubblewrap does for a running server, in a process of its own.
            reader = os.fork()
            if reader == 0:
                fcntl.lockf(lock, fcntl.LOCK_SH)
                os.write(1, b"")
                _forever()
            _until_locked(lock.name)
            try:
                yield
            finally:
                os.kill(reader, 9)
                os.waitpid(reader, 0)


def _forever() -> None:
    while True:
        signal.pause()


def _until_locked(path: str) -> None:
    def held() -> bool:
        with open(path, "r+b") as lock:  # noqa: PTH123
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    wait_until(held, "the lock was never held")
