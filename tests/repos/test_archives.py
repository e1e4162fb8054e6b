"""Zenodo, Figshare, Dataverse, HydroShare and CKAN against sites that speak as they do."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakesite import FakeSite, InTurn
from fetched import fetch, files_of, zip_of
from patience import SOON

from binderhub_ext.core.errors import (
    AddressNotAllowed,
    BinderError,
    NotAllowed,
    RefNotFound,
    RepoNotFound,
    RepoUnavailable,
    TooLarge,
)
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.repos.archives import Archive
from binderhub_ext.repos.checkout import checkout
from binderhub_ext.repos.ckan import CkanProvider
from binderhub_ext.repos.command import Call, run
from binderhub_ext.repos.dataverse import DataverseProvider
from binderhub_ext.repos.figshare import FigshareProvider
from binderhub_ext.repos.hydroshare import HydroShareProvider
from binderhub_ext.repos.network import AddressPolicy
from binderhub_ext.repos.zenodo import ZenodoProvider

DOI = "10.5281/zenodo.3242074"
RESOURCE = "8f7c2f0341ef4180b0dbe97f59130756"

Make = Callable[..., Any]


@pytest.fixture
def make(tmp_path: Path, policy: AddressPolicy, site: FakeSite) -> Make:
    """Makes a provider that asks the site on loopback."""

    def build(kind: type[Archive], **traits: object) -> Archive:
        return kind(
            data_dir=str(tmp_path / "data"),
            policy=policy,
            doi_resolver=site.url,
            timeout=SOON,
            **traits,
        )

    return build


def repo_of(provider: str, doi: str = DOI) -> Repo:
    return Repo(provider, doi, f"https://doi.org/{doi}")


# ---- Zenodo


def zenodo(site: FakeSite, record: str = "3242074", /, **files: bytes) -> None:
    site.doi(DOI, f"{site.url}/record/{record}")
    site.answers[f"/api/records/{record}"] = {"id": int(record), "metadata": {"title": "Waves"}}
    entries = []
    for number, (name, content) in enumerate(files.items()):
        link = f"{site.url}/api/records/{record}/files/{number}/content"
        digest = hashlib.md5(content).hexdigest()
        entries.append({"key": name, "checksum": f"md5:{digest}", "links": {"content": link}})
        site.answers[link.removeprefix(site.url)] = content
    site.answers[f"/api/records/{record}/files"] = {"entries": entries}


async def test_zenodo_files(make: Make, site: FakeSite, tmp_path: Path) -> None:
    zenodo(
        site, **{"a.ipynb": b"{}", "requirements.txt": b"numpy\r\n", ".gitattributes": b"* text\n"}
    )
    provider = make(ZenodoProvider, installations=[site.url])
    commit = await provider.resolve(repo_of("zenodo"), "HEAD")
    assert commit.id == "3242074"
    files = await files_of(provider, repo_of("zenodo"), tmp_path / "files")
    assert files["requirements.txt"] == b"numpy\r\n"
    asked = len(site.asked)
    assert (await fetch(provider, commit))[1] == [] and len(site.asked) == asked


async def test_a_class_is_one_question(make: Make, site: FakeSite) -> None:
    """Zenodo answers sixty in a minute."""
    zenodo(site, a=b"1")
    provider = make(ZenodoProvider, installations=[site.url])
    resolving = [provider.resolve(repo_of("zenodo"), "HEAD") for _ in range(200)]
    assert {commit.id for commit in await asyncio.gather(*resolving)} == {"3242074"}
    once = len(site.asked)
    assert once == len(set(site.asked))
    forgetful = make(ZenodoProvider, installations=[site.url], remembered_for=0)
    for _ in range(2):
        await forgetful.resolve(repo_of("zenodo"), "HEAD")
    assert len(site.asked) == 3 * once


async def test_zenodo_zip(make: Make, site: FakeSite, tmp_path: Path) -> None:
    zenodo(site, **{"r.zip": zip_of(**{"top/a": b"1", "top/b/c": b"2", "__MACOSX/._a": b""})})
    provider = make(ZenodoProvider, installations=[site.url])
    files = await files_of(provider, repo_of("zenodo"), tmp_path / "files")
    assert files == {"a": b"1", "b/c": b"2"}


async def test_zenodo_concept(make: Make, site: FakeSite) -> None:
    zenodo(site, "3242075", a=b"1")
    site.doi(DOI, f"{site.url}/doi/{DOI}")
    site.answers[f"/doi/{DOI}"] = (302, {"Location": f"{site.url}/records/3242073"}, b"")
    site.answers["/records/3242073"] = b"<html>"
    moved = {"Location": f"{site.url}/api/records/3242075"}
    site.answers["/api/records/3242073"] = (301, moved, b"")
    provider = make(ZenodoProvider, installations=[site.url])
    assert (await provider.resolve(repo_of("zenodo"), "HEAD")).id == "3242075"


async def test_zenodo_damaged(make: Make, site: FakeSite) -> None:
    zenodo(site, a=b"1")
    site.answers["/api/records/3242074/files/0/content"] = b"2"
    provider = make(ZenodoProvider, installations=[site.url])
    with pytest.raises(RepoUnavailable, match="damaged"):
        await fetch(provider, await provider.resolve(repo_of("zenodo"), "HEAD"))


async def test_zenodo_elsewhere(make: Make, site: FakeSite) -> None:
    zenodo(site, a=b"1")
    with pytest.raises(RepoNotFound, match="not known here"):
        await make(ZenodoProvider).resolve(repo_of("zenodo"), "HEAD")


async def test_the_same_files_are_the_same_commit(
    make: Make, site: FakeSite, tmp_path: Path
) -> None:
    zenodo(site, a=b"1", b=b"2")
    heads = []
    for name in ("one", "two"):
        provider = make(ZenodoProvider, installations=[site.url])
        provider.data_dir = str(tmp_path / name)
        source, _ = await fetch(provider, await provider.resolve(repo_of("zenodo"), "HEAD"))
        heads.append(await run(Call(["bundle", "list-heads", str(source.bundle)], tmp_path)))
    assert heads[0] == heads[1] and heads[0].endswith(b" HEAD\n")


# ---- Figshare


def figshare(site: FakeSite, page: str = "/articles/code/a_title/9782777") -> None:
    site.doi("10.6084/m9.figshare.9782777", f"{site.url}{page}")
    site.doi("10.6084/m9.figshare.9782777.v1", f"{site.url}{page}/1")
    site.answers["/v2/articles/9782777/versions"] = [{"version": 1}, {"version": 3}, {"version": 2}]
    for version in (1, 3):
        site.answers[f"/v2/articles/9782777/versions/{version}"] = {
            "title": "Ocean",
            "files": [
                {
                    "name": "a b.csv",
                    "download_url": f"{site.url}/dl/{version}",
                    "is_link_only": False,
                },
                {"name": "far", "download_url": "https://elsewhere.example/", "is_link_only": True},
            ],
        }
        site.answers[f"/dl/{version}"] = str(version).encode()


@pytest.mark.parametrize(("suffix", "version"), [("", "3"), (".v1", "1")])
async def test_figshare(
    make: Make, site: FakeSite, tmp_path: Path, suffix: str, version: str
) -> None:
    figshare(site)
    provider = make(FigshareProvider, api=f"{site.url}/v2")
    repo = repo_of("figshare", f"10.6084/m9.figshare.9782777{suffix}")
    assert (await provider.resolve(repo, "HEAD")).id == f"9782777.v{version}"
    assert await files_of(provider, repo, tmp_path / "f") == {"a b.csv": version.encode()}


async def test_figshare_page_of_something_else(make: Make, site: FakeSite) -> None:
    figshare(site, "/authors/someone")
    provider = make(FigshareProvider, api=f"{site.url}/v2")
    with pytest.raises(RepoNotFound, match="no article"):
        await provider.resolve(repo_of("figshare", "10.6084/m9.figshare.9782777"), "HEAD")


# ---- Dataverse

SET = "doi:10.7910/DVN/TJCLKP"
SET_QUERY = "/api/datasets/:persistentId?persistentId=doi%3A10.7910%2FDVN%2FTJCLKP"


def dataverse(site: FakeSite, page: str) -> Repo:
    site.doi("10.7910/DVN/TJCLKP", f"{site.url}{page}")
    latest = {"versionNumber": 2, "versionMinorNumber": 1}
    site.answers[SET_QUERY] = {"data": {"id": 42, "latestVersion": latest}}
    about = {"data": {"datasetVersion": {"datasetPersistentId": SET}}}
    site.answers["/api/files/7?returnDatasetVersion=true"] = about
    site.answers[
        "/api/files/:persistentId?persistentId=doi%3A10.7910%2FDVN%2FFILE&returnDatasetVersion=true"
    ] = about
    site.answers["/api/datasets/42/versions/2.1"] = {
        "data": {
            "files": [
                {
                    "label": "data.tab",
                    "directoryLabel": "in/put",
                    "dataFile": {"id": 7, "originalFileName": "data.dta", "md5": "not its own"},
                },
                {"label": "a.ipynb", "dataFile": {"id": 8}},
                {"label": "secret", "dataFile": {"id": 9}, "restricted": True},
            ]
        }
    }
    site.answers["/api/access/datafile/7?format=original"] = b"dta"
    site.answers["/api/access/datafile/8?format=original"] = b"{}"
    return repo_of("dataverse", "10.7910/DVN/TJCLKP")


@pytest.mark.parametrize(
    "page",
    [
        f"/citation?persistentId={SET}",
        f"/dataset.xhtml?persistentId={SET}",
        "/citation?persistentId=doi:10.7910/DVN/FILE",
        "/file.xhtml?persistentId=doi:10.7910/DVN/FILE",
        "/api/access/datafile/7",
    ],
)
async def test_dataverse(make: Make, site: FakeSite, tmp_path: Path, page: str) -> None:
    repo = dataverse(site, page)
    provider = make(DataverseProvider)
    commit = await provider.resolve(repo, "HEAD")
    assert commit.id == "42.v2.1"
    source, told = await fetch(provider, commit)
    await checkout(source, tmp_path / "f")
    assert (tmp_path / "f/in/put/data.dta").read_bytes() == b"dta"
    assert "1 restricted file is left out" in told


# ---- HydroShare


async def test_hydroshare(make: Make, site: FakeSite, tmp_path: Path) -> None:
    dates = [
        {"type": "created", "start_date": "2019-01-01T00:00:00Z"},
        {"type": "modified", "start_date": "2019-09-25T16:09:17.006152Z"},
    ]
    elements = f"/hsapi/resource/{RESOURCE}/scimeta/elements"
    site.answers[elements] = {"dates": dates}
    inside = f"{RESOURCE}/data/contents"
    bag = zip_of(**{f"{inside}/a.py": b"1", f"{RESOURCE}/bagit.txt": b"", f"{inside}/b/c": b"2"})
    site.answers[f"/django_s3/download/bags/{RESOURCE}.zip"] = InTurn(
        [b"<html>wait", b"<html>wait", bag]
    )
    provider = make(HydroShareProvider, site=site.url, bag_interval=0.01)
    repo = Repo("hydroshare", RESOURCE, f"https://www.hydroshare.org/resource/{RESOURCE}")
    assert (await provider.resolve(repo, "HEAD")).id == f"{RESOURCE}.v1569427757"
    assert await files_of(provider, repo, tmp_path / "f") == {"a.py": b"1", "b/c": b"2"}

    old = Commit(repo, "HEAD", f"{RESOURCE}.v1")
    with pytest.raises(RefNotFound, match="changed"):
        await fetch(provider, old)


async def test_hydroshare_is_not_ready(make: Make, site: FakeSite) -> None:
    dates = [{"type": "modified", "start_date": "2019-09-25T16:09:17.006152Z"}]
    site.answers[f"/hsapi/resource/{RESOURCE}/scimeta/elements"] = {"dates": dates}
    site.answers[f"/django_s3/download/bags/{RESOURCE}.zip"] = b"<html>wait"
    provider = make(HydroShareProvider, site=site.url, bag_interval=0.01, bag_timeout=0.2)
    commit = await provider.resolve(Repo("hydroshare", RESOURCE, ""), "HEAD")
    with pytest.raises(RepoUnavailable, match="few minutes"):
        await fetch(provider, commit)


# ---- CKAN


def ckan(site: FakeSite) -> dict[str, Any]:
    return {
        "result": {
            "id": "11f0-22",
            "title": "Trees",
            "metadata_modified": "2024-02-27T14:15:54.573058",
            "resources": [
                {"id": "r1", "url": f"{site.url}/dl/a%20b.csv", "url_type": "upload"},
                {"id": "r2", "url": f"{site.url}/x/a%20b.csv", "url_type": "upload"},
                {"id": "r3", "url": f"{site.url}/gone"},
                {"id": "r4", "url": ""},
            ],
        }
    }


@pytest.mark.parametrize("prefix", ["", "/data"])
@pytest.mark.parametrize("activity", ["", "7-7"])
async def test_ckan(make: Make, site: FakeSite, tmp_path: Path, prefix: str, activity: str) -> None:
    action = f"{prefix}/api/3/action"
    asked = (
        f"{action}/activity_data_show?id={activity}&object_type=package"
        if activity
        else f"{action}/package_show?id=old%20trees"
    )
    site.answers |= {asked: ckan(site), "/dl/a%20b.csv": b"1", "/x/a%20b.csv": b"2"}
    url = f"{site.url}{prefix}/dataset/old%20trees" + (
        f"?activity_id={activity}" if activity else ""
    )
    provider = make(CkanProvider)
    repo = Repo("ckan", url, url)
    commit = await provider.resolve(repo, "HEAD")
    assert commit.id == "11f0-22.v1709043354"
    source, told = await fetch(provider, commit)
    await checkout(source, tmp_path / "f")
    names = {path.name: path.read_bytes() for path in (tmp_path / "f").iterdir()}
    assert names == {"a b.csv": b"1", "r2-a b.csv": b"2"}
    assert any("gone is left out" in line for line in told)


# ---- what all have in common

BROKEN: list[tuple[Any, type[BinderError]]] = [
    ((404, {}, b""), RepoNotFound),
    ((403, {}, b""), RepoNotFound),
    ((429, {}, b""), RepoUnavailable),
    ((500, {}, b""), RepoUnavailable),
    (b"<html>", RepoUnavailable),
    ([], RepoUnavailable),
    ({"values": "x"}, RepoUnavailable),
    ({"values": []}, RepoNotFound),
    ((302, {"Location": "http://10.0.0.1/"}, b""), AddressNotAllowed),
    ((302, {"Location": "http://[::ffff:a9fe:a9fe]/latest"}, b""), AddressNotAllowed),
    ((302, {"Location": "file:///etc/passwd"}, b""), NotAllowed),
    (
        {"values": [{"type": "URL", "data": {"value": "http://192.168.0.1/dataset.xhtml"}}]},
        AddressNotAllowed,
    ),
    ({"values": [{"type": "URL", "data": {"value": "file:///etc"}}]}, BinderError),
]


@pytest.mark.parametrize(("answer", "error"), BROKEN)
async def test_broken_answers(
    make: Make, site: FakeSite, answer: Any, error: type[BinderError]
) -> None:
    site.answers[f"/api/handles/{DOI}"] = answer
    with pytest.raises(error) as caught:
        await make(DataverseProvider).resolve(repo_of("dataverse"), "HEAD")
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("files", "limits", "error"),
    [
        ({"../x": b"1"}, {}, NotAllowed),
        ({"a": b"x" * 2000}, {"max_size": 1000}, TooLarge),
        ({"a": b"1", "b": b"2"}, {"max_files": 1}, TooLarge),
        ({"a.zip": zip_of(**{"../x": b"1"})}, {}, NotAllowed),
        ({"a.zip": zip_of(a=b"\0" * 5000)}, {"max_files_size": 1000}, TooLarge),
    ],
)
async def test_limits_and_traversal(
    make: Make,
    site: FakeSite,
    files: dict[str, bytes],
    limits: dict[str, int],
    error: type[BinderError],
) -> None:
    zenodo(site, **files)
    provider = make(ZenodoProvider, installations=[site.url], **limits)
    commit = await provider.resolve(repo_of("zenodo"), "HEAD")
    with pytest.raises(error):
        await fetch(provider, commit)
    kept = provider.store.layout.sources(commit.repo)
    assert sorted(path.name for path in kept.iterdir()) == [".lock"]


async def test_parts_of_paths_are_escaped(make: Make, site: FakeSite) -> None:
    doi = "10.5281/a?b#c%2e/d"
    with pytest.raises(RepoNotFound):
        await make(ZenodoProvider).resolve(Repo("zenodo", doi, ""), "HEAD")
    assert site.asked == ["/api/handles/10.5281/a%3Fb%23c%252e/d"]
