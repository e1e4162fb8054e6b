"""A Git server for tests: smart HTTP on loopback, by Git's own `http-backend`.

Tests make real repositories in it, and tell it to misbehave as real hosts do: ask for a
password, redirect, be slow, answer 403, 429 or 500. It needs nothing but Git.

    with GitServer(tmp_path) as server:
        repo = server.create_repo("owner/name", {"requirements.txt": "numpy\\n"})
        commit = repo.commit({"index.ipynb": "{}"}, "Add a notebook")
        repo.url, server.requests
"""

from __future__ import annotations

import base64
import os
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast
from urllib.parse import unquote, urlsplit

import pytest

_AUTHOR = "Ada Example <ada@example.org>"
_EPOCH = 1_700_000_000
_CHUNK = 16 * 1024


@dataclass(frozen=True)
class Symlink:
    """A file of a commit that is a symbolic link."""

    target: str


@dataclass(frozen=True)
class Executable:
    """A file of a commit that may be executed."""

    content: str | bytes


@dataclass(frozen=True)
class Submodule:
    """A submodule of a commit; `.gitmodules` is written by the test."""

    commit: str


File = str | bytes | Symlink | Executable | Submodule | None
"""What a commit may have at a path; `None` removes it."""


@dataclass
class Behaviour:
    """How requests are answered; the defaults are a good server.

    Attributes:
        status: answer this instead of anything else, with `body`.
        body: of that answer; a web page unless set.
        redirect: answer 301 to this base URL, followed by the rest of the repository's URL.
        password: require this user and password.
        delay: seconds to wait before each answer.
        before: is called before each answer, in another thread.
        rate: bytes per second of an answer's body, 0 for as fast as it goes.
        old: speak Git's first protocol, which hands out tips of branches and tags only.
    """

    status: int = 0
    body: bytes = b"<html>\nhello\n</html>\n"
    redirect: str = ""
    password: tuple[str, str] | None = None
    delay: float = 0
    before: Callable[[], object] | None = None
    rate: int = 0
    old: bool = False


@dataclass(frozen=True)
class Request:
    """A request the server got.

    Attributes:
        command: Git's command (`ls-refs`, `fetch`) if it was a call of upload-pack.
    """

    method: str
    path: str
    query: str
    command: str = ""


@dataclass
class RepoHandle:
    """A repository on the server.

    Attributes:
        name: `owner/name`.
        url: where it is cloned from.
        path: the bare repository.
        behaviour: how this repository answers; the server's own unless set.
    """

    name: str
    url: str
    path: Path
    behaviour: Behaviour | None = None
    _clock: int = field(default=_EPOCH, repr=False)

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git in the bare repository and give what it wrote."""
        return _git(self.path, *arguments, stdin=stdin)

    def commit(
        self,
        files: Mapping[str, File],
        message: str = "Change files",
        *,
        branch: str = "main",
    ) -> str:
        """Commit changes of files to a branch (made if new) and give the commit's id."""
        self._clock += 60
        ref = f"refs/heads/{branch}"
        text = message.encode()
        lines = [f"commit {ref}\nmark :1\ncommitter {_AUTHOR} {self._clock} +0000\n".encode()]
        lines.append(b"data %d\n%s\n" % (len(text), text))
        if self._has(ref):
            lines.append(f"from {ref}^0\n".encode())
        lines += [_change(path, content) for path, content in files.items()]
        return self.git(
            "fast-import", "--quiet", "--force", stdin=b"".join([*lines, b"get-mark :1\n"])
        )

    def branch(self, name: str, commit: str = "main") -> str:
        """Point a branch at a commit and give the commit's id."""
        self.git("update-ref", f"refs/heads/{name}", self.git("rev-parse", f"{commit}^{{commit}}"))
        return self.git("rev-parse", f"refs/heads/{name}")

    def tag(self, name: str, commit: str = "main", *, annotated: bool = False) -> str:
        """Tag a commit; gives the id of what the tag points at (its own object if annotated)."""
        message = ("-a", "-m", f"Tag {name}") if annotated else ()
        self.git("tag", "--force", *message, "--", name, commit)
        return self.git("rev-parse", f"refs/tags/{name}")

    def default_branch(self, name: str) -> None:
        """Let `HEAD` be this branch."""
        self.git("symbolic-ref", "HEAD", f"refs/heads/{name}")

    def _has(self, ref: str) -> bool:
        return bool(self.git("for-each-ref", ref))


class GitServer:
    """A smart HTTP Git server on a free loopback port; a context manager.

    Args:
        tls: its certificate, to be a server of HTTPS.

    Attributes:
        behaviour: how every repository answers.
        requests: everything asked so far.
    """

    def __init__(
        self, root: Path, host: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None
    ) -> None:
        self.root = root
        self.host = host
        self.behaviour = Behaviour()
        self.requests: list[Request] = []
        self.repos: dict[str, RepoHandle] = {}
        self._http = ThreadingHTTPServer((host, 0), _Handler, bind_and_activate=True)
        self._http.daemon_threads = True
        self.scheme = "https" if tls else "http"
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self._http.git = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return self._http.server_address[1]

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    def __enter__(self) -> GitServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def create_repo(
        self,
        name: str,
        files: Mapping[str, File] | None = None,
        *,
        branch: str = "main",
        object_format: str = "sha1",
    ) -> RepoHandle:
        """Make a repository, with a first commit if files are given."""
        path = self.root / f"{name}.git"
        path.mkdir(parents=True)
        _git(
            path, "init", "--bare", f"--object-format={object_format}", f"--initial-branch={branch}"
        )
        _git(path, "config", "http.receivepack", "true")
        repo = RepoHandle(name, f"{self.url}/{name}", path)
        self.repos[name] = repo
        if files is not None:
            repo.commit(files, "First commit", branch=branch)
        return repo

    def fetches(self) -> int:
        """How many packs were asked for."""
        return sum(request.command == "fetch" for request in self.requests)

    def repo_of(self, path: str) -> RepoHandle | None:
        """The repository a request's path is about."""
        parts = path.strip("/").split("/info/refs")[0].removesuffix("/git-upload-pack")
        return self.repos.get(parts.removesuffix(".git"))


class _Handler(BaseHTTPRequestHandler):
    """One request: misbehave as told, else hand it to `git http-backend`."""

    @property
    def git(self) -> GitServer:
        return cast(GitServer, self.server.git)  # type: ignore[attr-defined]

    def finish(self) -> None:
        super().finish()
        if isinstance(self.connection, ssl.SSLSocket):
            with suppress(OSError):  # the client may be gone
                self.connection.unwrap()

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    def log_message(self, format: str, *arguments: Any) -> None:
        """Tests read `requests` instead."""

    def _answer(self, body: bytes) -> None:
        address = urlsplit(self.path)
        command = next((c for c in ("fetch", "ls-refs") if b"command=" + c.encode() in body), "")
        self.git.requests.append(Request(self.command, address.path, address.query, command))
        repo = self.git.repo_of(address.path)
        behaviour = (repo.behaviour if repo else None) or self.git.behaviour
        time.sleep(behaviour.delay)
        if behaviour.before:
            behaviour.before()
        if behaviour.redirect:
            rest = address.path[len(f"/{repo.name}") :] if repo else address.path
            self._short(301, {"Location": f"{behaviour.redirect}{rest}?{address.query}"})
        elif behaviour.status:
            self._short(behaviour.status, {}, behaviour.body)
        elif behaviour.password and not self._knows(behaviour.password):
            self._short(401, {"WWW-Authenticate": 'Basic realm="tests"'})
        else:
            self._backend(body, behaviour)

    def _short(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _knows(self, password: tuple[str, str]) -> bool:
        expected = base64.b64encode(":".join(password).encode()).decode()
        return self.headers.get("Authorization", "") == f"Basic {expected}"

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _backend(self, body: bytes, behaviour: Behaviour) -> None:
        process = subprocess.Popen(
            [_backend_program()],
            env=self._environment(len(body), behaviour.old),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with process, cast(IO[bytes], process.stdout) as answer:
            threading.Thread(target=_feed, args=(process, body), daemon=True).start()
            try:
                self._headers(answer)
                _pour(answer, cast(IO[bytes], self.wfile), behaviour.rate)
            except ConnectionError:
                process.kill()

    def _environment(self, length: int, old: bool) -> dict[str, str]:
        address = urlsplit(self.path)
        return {
            **_environment(),
            "GIT_PROJECT_ROOT": str(self.git.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": "" if old else self.headers.get("Git-Protocol", ""),
            "PATH_INFO": unquote(address.path),
            "QUERY_STRING": address.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": "tests",
        }

    def _headers(self, answer: IO[bytes]) -> None:
        headers: list[tuple[str, str]] = []
        while line := answer.readline().strip():
            name, _, value = line.decode().partition(":")
            headers.append((name, value.strip()))
        status = next((value for name, value in headers if name.lower() == "status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in headers:
            if name.lower() != "status":
                self.send_header(name, value)
        self.end_headers()


def _feed(process: subprocess.Popen[bytes], body: bytes) -> None:
    try:
        with cast(IO[bytes], process.stdin) as stdin:
            stdin.write(body)
    except BrokenPipeError:
        pass


def _pour(source: IO[bytes], target: IO[bytes], rate: int) -> None:
    size = min(_CHUNK, max(1, rate // 20)) if rate else _CHUNK
    while chunk := source.read(size):
        target.write(chunk)
        if rate:
            time.sleep(len(chunk) / rate)


def _change(path: str, content: File) -> bytes:
    quoted = '"{}"'.format(path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
    name = quoted.encode("utf-8", "surrogateescape")
    if content is None:
        return b"D %s\n" % name
    if isinstance(content, Submodule):
        return b"M 160000 %s %s\n" % (content.commit.encode(), name)
    mode, data = _blob(content)
    return b"M %s inline %s\ndata %d\n%s\n" % (mode, name, len(data), data)


def _blob(content: str | bytes | Symlink | Executable) -> tuple[bytes, bytes]:
    mode = b"100644"
    if isinstance(content, Symlink):
        mode, content = b"120000", content.target
    elif isinstance(content, Executable):
        mode, content = b"100755", content.content
    return mode, content.encode() if isinstance(content, str) else content


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "Ada Example",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada Example",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
        "GIT_COMMITTER_DATE": f"{_EPOCH} +0000",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }


def _git(directory: Path, *arguments: str, stdin: bytes = b"") -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=directory, env=_environment(), input=stdin, capture_output=True
    )
    if done.returncode:
        raise RuntimeError(f"git {arguments[0]}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode().strip()


def missing() -> str:
    """What this machine lacks for the server, or nothing."""
    if shutil.which("git") is None:
        return "git is not installed"
    return "" if _backend_program().exists() else "git has no http-backend"


@cache
def _backend_program() -> Path:
    """Git's program by its path: two processes less for each request than by git's name."""
    where = subprocess.run(["git", "--exec-path"], capture_output=True, text=True).stdout.strip()
    return Path(where) / "git-http-backend"


@pytest.fixture
def gitserver(tmp_path: Path) -> Iterator[GitServer]:
    """A Git server on loopback that lives as long as the test."""
    if lacking := missing():
        pytest.skip(lacking)
    with GitServer(tmp_path / "gitserver") as server:
        yield server
