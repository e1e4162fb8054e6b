"""Archives by their address, and projects of OSF, against a site that speaks as theirs do."""

from __future__ import annotations

import asyncio
import hashlib
import io
import tarfile
from collections.abc import Callable
from gzip import compress
from pathlib import Path
from typing import Any

import pytest
from fakesite import FakeSite, InTurn
from fetched import fetch, files_of, zip_of
from patience import SOON

from binderhub_ext.core.downloads import ARCHIVE, OSF
from binderhub_ext.core.errors import (
    AddressNotAllowed,
    BinderError,
    NotAllowed,
    RefNotFound,
    RepoNotFound,
    RepoUnavailable,
    TooLarge,
)
from binderhub_ext.core.repo import Repo
from binderhub_ext.repos.archives import Archive
from binderhub_ext.repos.download import DownloadProvider
from binderhub_ext.repos.network import AddressPolicy
from binderhub_ext.repos.osf import OsfProvider

PLACE = "/files/course.zip"
DATE = "Wed, 21 Oct 2015 07:28:00 GMT"

Make = Callable[..., Any]


@pytest.fixture
def make(tmp_path: Path, policy: AddressPolicy) -> Make:
    def build(kind: type[Archive], **traits: object) -> Archive:
        return kind(
            data_dir=str(tmp_path / "data"), policy=policy, timeout=SOON, remembered_for=0, **traits
        )

    return build


def tar_of(**files: bytes) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as container:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            container.addfile(info, io.BytesIO(data))
    return content.getvalue()


def answer(content: bytes, **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return 200, {"Content-Type": "application/octet-stream", **named}, content


def archive(site: FakeSite, end: str = "") -> Repo:
    return ARCHIVE.repo(f"{site.url}{PLACE}{end}")


# ---- archives by their address


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ({"ETag": '"abc"', "Last_Modified": DATE}, "6cc43f858fbb"),
        ({"ETag": 'W/"abc"', "Last_Modified": DATE}, "6dcaee7b84a8"),
        ({"ETag": 'W/"abc"'}, "6212f2152be6"),
        ({"Last_Modified": "yesterday"}, "fcab7fcc2b4c"),
        ({}, "fcab7fcc2b4c"),
    ],
)
async def test_what_names_a_version(
    make: Make, site: FakeSite, headers: dict[str, str], version: str
) -> None:
    site.answers[PLACE] = answer(b"PK", **headers)
    commit = await make(DownloadProvider).resolve(archive(site), "HEAD")
    assert commit.id.startswith(version) and not commit.branch


@pytest.mark.parametrize("pack", [zip_of, tar_of])
async def test_an_archive(make: Make, site: FakeSite, tmp_path: Path, pack: Any) -> None:
    content = pack(**{"top/a.ipynb": b"{}", "top/data/b": b"2"})
    site.answers[PLACE] = answer(content, ETag='"1"')
    provider = make(DownloadProvider)
    files = await files_of(provider, archive(site), tmp_path / "f")
    assert files == {"a.ipynb": b"{}", "data/b": b"2"}
    asked = len(site.asked)
    commit = await provider.resolve(archive(site), "HEAD")
    assert (await fetch(provider, commit))[1] == [] and len(site.asked) == asked + 1


async def test_an_encoding_is_not_taken_for_the_archives_own(
    make: Make, site: FakeSite, tmp_path: Path
) -> None:
    """Hosts say of a `.tar.gz` that it is encoded with gzip; others encode a zip."""
    packed, zipped = tar_of(a=b"1"), zip_of(a=b"2")
    gzip = {"Content_Encoding": "gzip"}
    site.answers["/x.tar.gz"] = answer(packed, **gzip)
    site.answers["/x.zip"] = answer(compress(zipped), **gzip)
    found = {}
    for name, content in {"x.tar.gz": packed, "x.zip": zipped}.items():
        digest = hashlib.sha256(content).hexdigest()
        repo = ARCHIVE.repo(f"{site.url}/{name}#sha256={digest}")
        found[name] = await files_of(make(DownloadProvider), repo, tmp_path / name)
    assert found == {"x.tar.gz": {"a": b"1"}, "x.zip": {"a": b"2"}}


async def test_what_was_changed_since_is_another_version(make: Make, site: FakeSite) -> None:
    provider = make(DownloadProvider)
    old, new = zip_of(a=b"1"), zip_of(a=b"2")
    site.answers[PLACE] = InTurn([answer(old, ETag='"1"'), answer(new, ETag='"2"')])
    commit = await provider.resolve(archive(site), "HEAD")
    with pytest.raises(RefNotFound, match="changed"):
        await fetch(provider, commit)
    assert (await provider.resolve(archive(site), "HEAD")).id != commit.id
    site.answers[PLACE] = InTurn([old, new])
    with pytest.raises(RefNotFound, match="SHA-256"):
        await fetch(provider, await provider.resolve(archive(site), "HEAD"))


async def test_a_version_is_told_by_what_people_see_of_it(make: Make, site: FakeSite) -> None:
    provider, seen = make(DownloadProvider), set()
    for headers in ({"ETag": '"a"'}, {"ETag": '"b"'}, {"Last_Modified": DATE}, {}):
        site.answers[PLACE] = answer(zip_of(a=b"1"), **headers)
        seen.add((await provider.resolve(archive(site), "HEAD")).short)
    assert len(seen) == 4 and all(int(short, 16) for short in seen)


async def test_a_host_that_never_ends_is_not_waited_for(
    make: Make, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forever(*_: object) -> str:
        await asyncio.sleep(3600)
        return ""

    monkeypatch.setattr("binderhub_ext.repos.http.Http.digest", forever)
    site.answers[PLACE] = answer(b"")
    with pytest.raises(RepoUnavailable, match="too slowly"):
        await make(DownloadProvider, fetch_timeout=0.2).resolve(archive(site), "HEAD")


async def test_a_checksum_in_the_link_is_the_version(make: Make, site: FakeSite) -> None:
    content = zip_of(a=b"1")
    repo = archive(site, f"#sha256={hashlib.sha256(content).hexdigest()}")
    provider = make(DownloadProvider)
    commit = await provider.resolve(repo, "HEAD")
    assert commit.id == f"{repo.url.rpartition('=')[2]}-sha256" and site.asked == []
    site.answers[PLACE] = answer(zip_of(a=b"2"), ETag='"1"')
    with pytest.raises(RefNotFound, match="SHA-256"):
        await fetch(provider, commit)
    site.answers[PLACE] = answer(content, ETag='"2"')
    await fetch(provider, commit)


REFUSED: list[tuple[Any, type[BinderError], str]] = [
    ((404, {}, b""), RepoNotFound, "nothing public"),
    ((200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>"), RepoNotFound, "web page"),
    (b"no archive at all", RepoUnavailable, "cannot be unpacked"),
    (zip_of(**{"../x": b"1"}), NotAllowed, "lead out"),
    (tar_of(**{"/etc/x": b"1"}), NotAllowed, "lead out"),
    (tar_of(x=b"\0" * 200_000), TooLarge, "more than"),
    (b"x" * 60_000, TooLarge, "larger than"),
    ((302, {"Location": "http://10.0.0.1/x.zip"}, b""), AddressNotAllowed, "private"),
    ((302, {"Location": "file:///etc/passwd"}, b""), NotAllowed, "refused"),
]


@pytest.mark.parametrize(
    ("answered", "error", "words"), REFUSED, ids=[words for *_, words in REFUSED]
)
async def test_a_hostile_archive_leaves_nothing(
    make: Make, site: FakeSite, answered: Any, error: type[BinderError], words: str
) -> None:
    site.answers[PLACE] = answered
    provider = make(DownloadProvider, max_size=50_000, max_files_size=100_000)
    with pytest.raises(error, match=words):
        await fetch(provider, await provider.resolve(archive(site), "HEAD"))
    kept = provider.store.layout.sources(archive(site))
    assert not kept.exists() or sorted(path.name for path in kept.iterdir()) == [".lock"]


async def test_an_internal_address_is_not_asked(tmp_path: Path, site: FakeSite) -> None:
    provider = DownloadProvider(data_dir=str(tmp_path), policy=AddressPolicy())
    with pytest.raises(AddressNotAllowed):
        await provider.resolve(archive(site), "HEAD")
    assert site.asked == []


# ---- OSF


def osf(site: FakeSite, date: str = "2024-02-27T14:15:54.573058", children: Any = ()) -> None:
    project = {
        "id": "ezcuj",
        "type": "nodes",
        "attributes": {"title": "Reproducibility", "date_modified": date},
    }
    file = {
        "id": "5ba3",
        "type": "files",
        "relationships": {"target": {"data": {"id": "ezcuj", "type": "nodes"}}},
    }
    moved = {"Location": f"{site.url}/v2/nodes/ezcuj/"}
    site.answers |= {
        "/v2/guids/ezcuj/": (302, moved, b""),
        "/v2/nodes/ezcuj/": {"data": project},
        "/v2/nodes/ezcuj/children/": {"data": [{"id": id} for id in children]},
        "/v2/guids/f1le2/": {"data": file},
        "/v2/guids/us3er/": {"data": {"id": "us3er", "type": "users", "attributes": {}}},
        "/v1/resources/ezcuj/providers/osfstorage/?zip=": zip_of(**{"a/x.R": b"1", "a/y": b"2"}),
    }


def of_osf(make: Make, site: FakeSite) -> OsfProvider:
    provider: OsfProvider = make(OsfProvider, api=f"{site.url}/v2", storage=f"{site.url}/v1")
    return provider


@pytest.mark.parametrize("guid", ["ezcuj", "f1le2"])
async def test_osf(make: Make, site: FakeSite, tmp_path: Path, guid: str) -> None:
    """A project's folders stay as they are, also where there is one alone."""
    osf(site)
    provider = of_osf(make, site)
    assert (await provider.resolve(OSF.repo(guid), "HEAD")).id == "ezcuj.v20240227141554573058"
    files = await files_of(provider, OSF.repo(guid), tmp_path / "f")
    assert files == {"a/x.R": b"1", "a/y": b"2"}


async def test_osf_says_what_it_leaves_out(make: Make, site: FakeSite) -> None:
    osf(site, children=["ab2cd", "ef3gh"])
    provider = of_osf(make, site)
    _, told = await fetch(provider, await provider.resolve(OSF.repo("ezcuj"), "HEAD"))
    assert "The files of its components are left out: osf.io/ab2cd, osf.io/ef3gh" in told


async def test_osf_that_was_changed_or_is_no_project(make: Make, site: FakeSite) -> None:
    osf(site)
    provider = of_osf(make, site)
    commit = await provider.resolve(OSF.repo("ezcuj"), "HEAD")
    osf(site, date="2024-03-01T00:00:00")
    with pytest.raises(RefNotFound, match="changed"):
        await fetch(provider, commit)
    with pytest.raises(RepoNotFound, match="no project"):
        await provider.resolve(OSF.repo("us3er"), "HEAD")
    site.answers["/v2/guids/us3er/"] = {"data": "no project"}
    with pytest.raises(RepoUnavailable, match="not understood"):
        await provider.resolve(OSF.repo("us3er"), "HEAD")
