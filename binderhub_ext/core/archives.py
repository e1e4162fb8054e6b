"""Providers that are not Git: archives known by a DOI or a page, and container images."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote

from .errors import BadLink
from .plain import decoded, plain, shown
from .provider import Provider
from .repo import Commit, Repo
from .url import WEB, read_pasted

DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/[A-Za-z0-9._;()/:<>\[\]+-]+")
_DOI_PREFIX = re.compile(r"(?:https?://)?(?:dx\.)?doi\.org/|doi:\s*", re.IGNORECASE)
_HYDROSHARE = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_DATASET = re.compile(r"(?P<base>(?:[^/]+/)*dataset/[^/]+)(?:/history/(?P<version>[\w-]+))?/?")
_ACTIVITY = re.compile(r"[\w-]{1,64}")
_IMAGE = re.compile(
    r"(?:(?:localhost(?::\d{1,5})?|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d{1,5})?"
    r"|[A-Za-z0-9][A-Za-z0-9-]*:\d{1,5})/)?"
    r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*"
    r"(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)


class _Doi(Provider):
    def repo(self, name: str) -> Repo:
        doi = clean_doi(name)
        return Repo(self.id, doi, f"https://doi.org/{quote(doi, safe='/:;()')}")

    def parse(self, raw_spec: str) -> tuple[Repo | None, str]:
        return self.repo(decoded(raw_spec, "DOI")), "HEAD"

    def spec(self, repo: Repo, ref: str) -> str:
        return quote(repo.name, safe="/:;()")


class _HydroShare(Provider):
    def repo(self, name: str) -> Repo:
        found = _HYDROSHARE.search(plain(name, "resource"))
        if not found:
            raise BadLink(f"{shown(name)} holds no resource id of HydroShare (32 hex digits).")
        return Repo(self.id, found[0], f"https://www.hydroshare.org/resource/{found[0]}")

    def parse(self, raw_spec: str) -> tuple[Repo | None, str]:
        return self.repo(decoded(raw_spec, "resource")), "HEAD"

    def spec(self, repo: Repo, ref: str) -> str:
        return repo.name


class _Ckan(Provider):
    def repo(self, name: str) -> Repo:
        place = read_pasted(name, WEB)
        found = _DATASET.fullmatch(place.name)
        if not found:
            raise BadLink(f"{shown(str(place))} is not a dataset of CKAN (…/dataset/<name>).")
        version = found["version"] or parse_qs(place.query).get("activity_id", [""])[0]
        url = f"{place.site}/{quote(found['base'], safe='/')}"
        if _ACTIVITY.fullmatch(version):
            url += f"?activity_id={version}"
        return Repo(self.id, url, url)

    def parse(self, raw_spec: str) -> tuple[Repo | None, str]:
        return self.repo(decoded(raw_spec, "dataset")), "HEAD"

    def spec(self, repo: Repo, ref: str) -> str:
        return quote(repo.name, safe="")


class _Image(Provider):
    def repo(self, name: str) -> Repo:
        raise BadLink("An image has no repository.")

    def parse(self, raw_spec: str) -> tuple[Repo | None, str]:
        return None, image_reference(decoded(raw_spec, "image"))

    def commit_url(self, commit: Commit) -> str:
        raise BadLink("An image has no repository.")


def clean_doi(text: str) -> str:
    """A DOI without `doi:` or `https://doi.org/`.

    Raises:
        BadLink: not a DOI.
    """
    doi = _DOI_PREFIX.sub("", plain(text, "DOI", 255), count=1).strip("/")
    if not DOI.fullmatch(doi) or ".." in doi or "//" in doi:
        raise BadLink(f"{shown(text)} is not a DOI such as 10.5281/zenodo.3242074.")
    return doi


def image_reference(text: str) -> str:
    """A container image as Docker writes it: `[host[:port]/]path[:tag][@digest]`.

    Raises:
        BadLink: not one.
    """
    if len(text) > 500 or not _IMAGE.fullmatch(text):
        raise BadLink(f"{shown(text)} is not the name of a container image.")
    return text


def _archive(id: str, title: str, example: str) -> Provider:
    return _Doi(
        id,
        title,
        label=title,
        placeholder=f"example: {example}",
        pattern=r"10\.\d+\/(.)+",
        has_ref=False,
    )


ZENODO = _archive("zenodo", "Zenodo DOI", "10.5281/zenodo.3242074")
FIGSHARE = _archive("figshare", "FigShare DOI", "10.6084/m9.figshare.9782777.v1")
DATAVERSE = _archive("dataverse", "Dataverse DOI", "10.7910/DVN/TJCLKP")
HYDROSHARE = _HydroShare(
    "hydroshare",
    "Hydroshare resource",
    label="Hydroshare resource id or URL",
    placeholder="example: 8f7c2f0341ef4180b0dbe97f59130756",
    pattern=r"[^/]+",
    escaped=True,
    has_ref=False,
)
CKAN = _Ckan(
    "ckan",
    "CKAN dataset",
    label="CKAN dataset URL",
    placeholder="example: https://demo.ckan.org/dataset/sample-dataset-1",
    pattern=r"[^/]+",
    escaped=True,
    has_ref=False,
)
IMAGE = _Image(
    "image",
    "Container image",
    label="Image name",
    placeholder="example: quay.io/jupyter/scipy-notebook:latest",
    escaped=True,
    has_ref=False,
)
