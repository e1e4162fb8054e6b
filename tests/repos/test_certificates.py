"""A private certificate authority reaches every program that asks a host."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from authority import Authority
from gitserver import GitServer, RepoHandle
from httpserver import serving_files

from binderhub_ext import certificates
from binderhub_ext.core.errors import RepoUnavailable
from binderhub_ext.core.progress import unheard
from binderhub_ext.core.repo import Repo
from binderhub_ext.core.url import read_url
from binderhub_ext.engines.local import trust, uv
from binderhub_ext.repos.git import GitProvider
from binderhub_ext.repos.http import Http
from binderhub_ext.repos.network import AddressPolicy

NAMED = ("GIT_SSL_CAINFO", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


@pytest.fixture(autouse=True)
def nobody_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable names a file."""
    for name in certificates.NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "own")


@pytest.fixture
def repo(tmp_path: Path, authority: Authority) -> Iterator[RepoHandle]:
    with GitServer(tmp_path / "git", tls=authority.tls) as server:
        yield server.create_repo("o/private", {"a.txt": "1"})


@pytest.fixture
def pages(tmp_path: Path, authority: Authority) -> Iterator[str]:
    """An index with one package that has one file, and some JSON."""
    wheel = tmp_path / "pages" / "simple" / "lonely" / "lonely-1-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    (tmp_path / "pages" / "data.json").write_text('{"a": 1}')
    make = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1], 'w');"
    make += "i = 'lonely-1.dist-info/'; z.writestr('lonely.py', 'x = 1');"
    make += "z.writestr(i + 'METADATA', 'Metadata-Version: 2.1\\nName: lonely\\nVersion: 1\\n');"
    make += "z.writestr(i + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n"
    make += "Tag: py3-none-any\\n'); z.writestr(i + 'RECORD', '')"
    subprocess.run([sys.executable, "-c", make, str(wheel)], check=True)
    (wheel.parent / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    with serving_files(tmp_path / "pages", authority.tls) as url:
        yield url


def establish(tmp_path: Path, authority: Authority, name: str) -> Path:
    os.environ[name] = str(authority.file)
    bundle = certificates.establish(tmp_path / "data" / "certificates.pem")
    assert bundle and bundle == certificates.established()
    return bundle


async def test_without_it_the_words_say_what_is_missing(
    provider: GitProvider, repo: RepoHandle
) -> None:
    with pytest.raises(RepoUnavailable, match="certificate authority"):
        await provider.resolve(Repo("git", repo.url, repo.url), "main")


@pytest.mark.parametrize("name", NAMED)
async def test_git(
    name: str, provider: GitProvider, repo: RepoHandle, authority: Authority, tmp_path: Path
) -> None:
    establish(tmp_path, authority, name)
    commit = await provider.resolve(Repo("git", repo.url, repo.url), "main")
    assert (await provider.fetch(commit, unheard)).tree


@pytest.mark.parametrize("name", NAMED)
async def test_archives(
    name: str, policy: AddressPolicy, pages: str, authority: Authority, tmp_path: Path
) -> None:
    url = read_url(f"{pages}/data.json")
    with pytest.raises(RepoUnavailable, match="certificate"):
        async with Http(policy) as http:
            await http.json(url)
    establish(tmp_path, authority, name)
    async with Http(policy) as http:
        assert await http.json(url) == {"a": 1}


@pytest.mark.parametrize("name", NAMED)
def test_uv_and_pip(name: str, pages: str, authority: Authority, tmp_path: Path) -> None:
    def ask() -> list[int]:
        env = uv.environment(tmp_path, tmp_path / "cache")
        index = ["--index-url", f"{pages}/simple", "--no-deps"]
        into = ["--target", str(tmp_path / "into"), "lonely"]
        quiet = {"env": {**env, "PATH": os.environ["PATH"]}, "capture_output": True}
        by_uv = [uv.executable(), "pip", "install", "--no-config", "--python", sys.executable]
        by_pip = [sys.executable, "-m", "pip", "download", "--retries", "0", "-d", str(tmp_path)]
        return [
            subprocess.run([*by_uv, *index, *into], **quiet).returncode,  # type: ignore[call-overload]
            subprocess.run([*by_pip, *index, "lonely"], **quiet).returncode,  # type: ignore[call-overload]
        ]

    assert 0 not in ask()
    establish(tmp_path, authority, name)
    assert ask() == [0, 0]


def test_who_was_trusted_still_is(authority: Authority, tmp_path: Path) -> None:
    bundle = establish(tmp_path, authority, "GIT_SSL_CAINFO")
    trusted = bundle.read_text().count("BEGIN CERTIFICATE")
    assert trusted > 50 or not list(certificates._of_this_machine())
    again = certificates.establish(bundle)
    assert again == bundle and bundle.read_text().count("BEGIN CERTIFICATE") == trusted


def test_programs_in_sandboxes_are_told(authority: Authority, tmp_path: Path) -> None:
    assert (trust.binds(), trust.variables()) == ([], {})
    bundle = establish(tmp_path, authority, "SSL_CERT_FILE")
    (bind,) = trust.binds()
    assert bind.source == bundle and bind.read_only
    assert set(trust.variables().values()) == {str(bind.target)}
    assert set(NAMED) < set(trust.variables())


def test_nothing_named_changes_nothing(tmp_path: Path) -> None:
    before = dict(os.environ)
    assert certificates.establish(tmp_path / "certificates.pem") is None
    os.environ["SSL_CERT_FILE"] = str(tmp_path / "missing.pem")
    assert certificates.establish(tmp_path / "certificates.pem") is None
    del os.environ["SSL_CERT_FILE"]
    assert dict(os.environ) == before
