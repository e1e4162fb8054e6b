"""A real registry on loopback (Debian's docker-registry), behind a door that can misbehave."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from dockerhub import docker
from patience import SOON, START, wait_until
from ports import free_ports

_CONFIG = """
version: 0.1
log: {{level: error}}
storage:
  filesystem: {{rootdirectory: {root}/blobs}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}"}}
{auth}
"""
# The password is "secret-word"; bcrypt, of the lowest cost, as the registry wants it.
USER, PASSWORD = "lab", "secret-word"
_CHUNK = 1 << 16


def registry_program() -> str:
    """The program, or a skip that says how to get it."""
    state = os.environ.get("DOCKER_ENGINE_DIR", str(Path.home() / ".cache/binder-at-home/docker"))
    found = shutil.which("docker-registry", path=f"{os.environ['PATH']}:{state}/bin")
    if found is None:
        pytest.skip("docker-registry is not installed; scripts/docker-engine start gets it")
    return found


class Door:
    """Forwards connections to a registry, or answers them itself.

    Attributes:
        port: where it listens on loopback.
        answer: status to answer everything with; 0 to forward, -1 to answer nothing.
        registry: port of the registry behind it.
        rate: bytes a second it forwards to the registry on each connection; 0 for any number.
    """

    def __init__(self, registry: int) -> None:
        self.registry = registry
        self.answer, self.rate = 0, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with closing(client), suppress(OSError):
            if self.answer:
                client.recv(_CHUNK)
                if self.answer < 0:
                    return
                client.sendall(
                    f"HTTP/1.1 {self.answer} No\r\nContent-Length: 0\r\n"
                    "Connection: close\r\n\r\n".encode()
                )
                return
            with socket.create_connection(("127.0.0.1", self.registry)) as registry:
                back = threading.Thread(target=self._copy, args=(registry, client), daemon=True)
                back.start()
                self._copy(client, registry, slowly=True)
                back.join()

    def _copy(self, source: socket.socket, sink: socket.socket, slowly: bool = False) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                sink.sendall(data)
                if slowly and self.rate:
                    time.sleep(len(data) / self.rate)
            sink.shutdown(socket.SHUT_WR)


class SmallRegistry:
    """A running registry.

    Attributes:
        host: its name in images' names, through the door.
        door: what its clients go through.
    """

    def __init__(self, port: int, root: Path) -> None:
        self.door = Door(port)
        self.host = f"127.0.0.1:{self.door.port}"
        self._port, self._root = port, root

    @contextmanager
    def locked(self) -> Iterator[None]:
        """As if it wanted USER and PASSWORD, for a while; it has what it had."""
        before = self.door.registry
        with _serving(self._root, private=True) as self.door.registry:
            try:
                yield
            finally:
                self.door.registry = before

    def has(self, name: str, tag: str = "latest") -> bool:
        """Whether an image is in it, whole."""
        return _get(self._port, f"{name}/manifests/{tag}") is not None

    def credentials(self, file: Path, password: str = PASSWORD) -> Path:
        """Write the credentials for it as Docker keeps them."""
        auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
        file.write_text(json.dumps({"auths": {self.host: {"auth": auth}}}))
        file.chmod(0o600)
        return file


@contextmanager
def running_registry(root: Path, *, private: bool = False) -> Iterator[SmallRegistry]:
    """A registry whose images are kept in a folder.

    Args:
        private: it wants USER and PASSWORD.
    """
    with _serving(root, private=private) as port:
        registry = SmallRegistry(port, root)
        try:
            yield registry
        finally:
            registry.door.close()


@contextmanager
def _serving(root: Path, *, private: bool) -> Iterator[int]:
    """The program; its port."""
    program = registry_program()
    port = free_ports(1)
    auth = ""
    if private:
        (root / "htpasswd").write_text(f"{USER}:{_HASH}\n")
        auth = f"auth: {{htpasswd: {{realm: lab, path: {root}/htpasswd}}}}"
    config = root / f"config-{port}.yml"
    config.write_text(_CONFIG.format(root=root, port=port, auth=auth))
    process = subprocess.Popen(
        [program, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _get(port, "") is not None, "the registry does not answer", START)
        yield port
    finally:
        process.terminate()
        process.wait()


def _get(port: int, path: str) -> bytes | None:
    """What a registry answers whoever has the password; nothing unless all is well."""
    accept = "application/vnd.docker.distribution.manifest.v2+json"
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    headers = {"Accept": accept, "Authorization": f"Basic {basic}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v2/{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=SOON) as response:
            return bytes(response.read())
    except urllib.error.URLError:
        return None


_HASH = "$2y$04$abcdefghijklmnopqrstuujV0zJ3tj1V5vPQQ5i8Bd/sbbeTbZTaC"


def publish(registry: SmallRegistry, image: str, name: str) -> str:
    """Put an image with a layer of its own (20 MB) into a registry, and nothing on the daemon."""
    full = f"{registry.host}/{name}"
    grown = docker(
        *("run", "-d", "--user=0", "--entrypoint=dd", image),
        *("if=/dev/urandom", "of=/srv/data", "bs=1M", "count=20"),
    )
    docker("wait", grown)
    docker("commit", "--change=ENTRYPOINT []", grown, full)
    docker("rm", grown)
    docker("push", "--quiet", full)
    docker("image", "rm", full)
    return full
