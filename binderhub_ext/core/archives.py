"""Providers that are not Git: archives known by a DOI or a page, and container images."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote

from .errors import BadLink
from .launch import LaunchRequest
from .plain import decoded, plain, shown
from .provider import Provider
from .repo import Commit, Repo
from .sentences import Sentence, fixed
from .understanding import Again, Understanding, WebLink
from .url import WEB, read_pasted

DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/[A-Za-z0-9._;()/:<>\[\]+-]+")
_DOI_PREFIX = re.compile(r"(?:https?://)?(?:dx\.)?doi\.org/|doi:\s*", re.IGNORECASE)
_HYDROSHARE = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_DATASET = re.compile(r"(?P<base>(?:[^/]+/)*dataset/[^/]+)(?:/history/(?P<version>[\w-]+))?/?")
_HARVARD_LIKE = re.compile(r"10\.(7910|70122|5064|5072|18710|34894|48804|5683|57745|18419|25625)/")
_ACTIVITY = re.compile(r"[\w-]{1,64}")
_IMAGE = re.compile(
    r"(?:(?:localhost(?::\d{1,5})?|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d{1,5})?"
    r"|[A-Za-z0-9][A-Za-z0-9-]*:\d{1,5})/)?"
    r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*"
    r"(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)


class DoiProvider(Provider):
    """An archive whose deposits are known by their DOI."""

    noun = fixed("DOI")

    def repo(self, name: str) -> Repo:
        doi = clean_doi(name)
        return Repo(self.id, doi, f"https://doi.org/{quote(doi, safe='/:;()')}")

    def spec(self, repo: Repo, ref: str) -> str:
        return quote(repo.name, safe="/:;()")

    def of_doi(self, doi: str) -> Understanding:
        return Understanding(LaunchRequest(self.repo(doi)))


class _Zenodo(DoiProvider):
    def doi(self, doi: str) -> Understanding | None:
        return self.of_doi(doi) if "/zenodo." in doi.lower() else None

    def page(self, link: WebLink, again: Again) -> Understanding | None:
        if link.host != "zenodo.org":
            return None
        match link.parts:
            case ["record" | "records" | "deposit", number, *_] if number.isdecimal():
                return self.of_doi(f"10.5281/zenodo.{number}")
            case ["doi", *parts]:
                return again(f"https://doi.org/{'/'.join(parts)}")
            case ["badge", "DOI" | "doi", *parts]:
                return again(f"https://doi.org/{'/'.join(parts).removesuffix('.svg')}")
        return None


class _Figshare(DoiProvider):
    def doi(self, doi: str) -> Understanding | None:
        return self.of_doi(doi) if "figshare." in doi.lower() else None

    def page(self, link: WebLink, again: Again) -> Understanding | None:
        if not link.host.endswith("figshare.com") or link.parts[:1] != ("articles",):
            return None
        numbers = [part for part in link.parts[1:] if part.isdecimal()]
        if not numbers:
            raise BadLink("This page of figshare shows no article. Paste its DOI.")
        version = f".v{numbers[1]}" if len(numbers) > 1 else ""
        article = self.of_doi(f"10.6084/m9.figshare.{numbers[0]}{version}")
        if link.host == "figshare.com":
            return article
        return article.guessing(
            Sentence("Took figshare's own DOI of the article; institutions have others.")
        )


class _Dataverse(DoiProvider):
    def doi(self, doi: str) -> Understanding | None:
        """Any DOI may be of a Dataverse: their prefixes are as many as its sites."""
        dataset = self.of_doi(doi)
        if _HARVARD_LIKE.match(doi):
            return dataset
        return dataset.guessing(Sentence("Took {doi} as a data set in a Dataverse.", doi=doi))

    def page(self, link: WebLink, again: Again) -> Understanding | None:
        persistent_id = link.query.get("persistentId", "")
        if not persistent_id:
            return None
        if not DOI.search(persistent_id):
            raise BadLink(
                "{persistent_id} is not a DOI. Only data sets with a DOI are known.",
                persistent_id=shown(persistent_id),
            )
        doi = clean_doi(persistent_id)
        prefix, *parts = doi.split("/")
        name = "/".join([prefix, *parts[:2]])
        dataset = self.of_doi(name)
        whole = name == doi
        return (
            dataset
            if whole
            else dataset.guessing(Sentence("Took the data set the file belongs to."))
        )


class _HydroShare(Provider):
    noun = fixed("resource")

    def repo(self, name: str) -> Repo:
        match = _HYDROSHARE.search(plain(name, "resource"))
        if not match:
            raise BadLink(
                "{name} holds no resource id of HydroShare (32 hex digits).", name=shown(name)
            )
        return Repo(self.id, match[0], f"https://www.hydroshare.org/resource/{match[0]}")

    def doi(self, doi: str) -> Understanding | None:
        if not doi.lower().startswith("10.4211/hs."):
            return None
        return Understanding(LaunchRequest(self.repo(doi.lower())))

    def page(self, link: WebLink, again: Again) -> Understanding | None:
        match link.host, link.parts:
            case "hydroshare.org", ["resource", name, *_]:
                return Understanding(LaunchRequest(self.repo(name)))
        return None


class _Ckan(Provider):
    noun = fixed("dataset")

    def repo(self, name: str) -> Repo:
        place = read_pasted(name, WEB)
        match = _DATASET.fullmatch(place.name)
        if not match:
            raise BadLink(
                "{place} is not a dataset of CKAN (…/dataset/<name>).", place=shown(str(place))
            )
        version = match["version"] or parse_qs(place.query).get("activity_id", [""])[0]
        url = f"{place.site}/{quote(match['base'], safe='/')}"
        if _ACTIVITY.fullmatch(version):
            url += f"?activity_id={version}"
        return Repo(self.id, url, url)

    def page(self, link: WebLink, again: Again) -> Understanding | None:
        """The page of a dataset, on whatever site."""
        if "dataset" not in link.parts[:-1]:
            return None
        url = f"{link.url}?{link.raw_query}" if "activity_id" in link.query else link.url
        dataset = Understanding(LaunchRequest(self.repo(url)))
        return dataset.guessing(Sentence("Took {host} as a site of CKAN.", host=link.host))


class _Image(Provider):
    def repo(self, name: str) -> Repo:
        raise BadLink("An image has no repository.")

    def page(self, link: WebLink, again: Again) -> Understanding | None:
        """A page of a registry of images."""
        match link.host, link.parts:
            case "hub.docker.com", ["r", owner, name, *_]:
                return of_image(f"docker.io/{owner}/{name}")
            case "hub.docker.com", ["_", name, *_]:
                return of_image(f"docker.io/library/{name}")
            case "quay.io", ["repository", owner, name, *_]:
                return of_image(f"quay.io/{owner}/{name}")
        return None

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
        raise BadLink("{given} is not a DOI such as 10.5281/zenodo.3242074.", given=shown(text))
    return doi


def image_reference(text: str) -> str:
    """A container image as Docker writes it: `[host[:port]/]path[:tag][@digest]`.

    Raises:
        BadLink: not one.
    """
    if len(text) > 500 or not _IMAGE.fullmatch(text):
        raise BadLink("{given} is not the name of a container image.", given=shown(text))
    return text


def of_image(text: str) -> Understanding:
    """A container image.

    Raises:
        BadLink: not the name of one.
    """
    image = Understanding(LaunchRequest(None, image=image_reference(text)))
    if ":" in text.rpartition("/")[2] or "@" in text:
        return image
    return image.guessing(Sentence("The image names no tag: the administrator will take “latest”."))


def _archive(kind: type[DoiProvider], name: str, example: str) -> Provider:
    return kind(
        name.lower(),
        f"{name} DOI",
        label=f"{name} DOI",
        placeholder=f"example: {example}",
        pattern=r"10\.\d+\/(.)+",
        has_ref=False,
        name=name,
        fetcher=f"binderhub_ext.repos.{name.lower()}:{name.capitalize()}Provider",
        at_binder=True,
    )


ZENODO = _archive(_Zenodo, "Zenodo", "10.5281/zenodo.3242074")
FIGSHARE = _archive(_Figshare, "FigShare", "10.6084/m9.figshare.9782777.v1")
DATAVERSE = _archive(_Dataverse, "Dataverse", "10.7910/DVN/TJCLKP")
HYDROSHARE = _HydroShare(
    "hydroshare",
    "Hydroshare resource",
    label="Hydroshare resource id or URL",
    placeholder="example: 8f7c2f0341ef4180b0dbe97f59130756",
    pattern=r"[^/]+",
    escaped=True,
    has_ref=False,
    name="HydroShare",
    fetcher="binderhub_ext.repos.hydroshare:HydroShareProvider",
    at_binder=True,
)
CKAN = _Ckan(
    "ckan",
    "CKAN dataset",
    label="CKAN dataset URL",
    placeholder="example: https://demo.ckan.org/dataset/sample-dataset-1",
    pattern=r"[^/]+",
    escaped=True,
    has_ref=False,
    name="CKAN",
    fetcher="binderhub_ext.repos.ckan:CkanProvider",
    at_binder=True,
)
IMAGE = _Image(
    "image",
    "Container image",
    label="Image name",
    placeholder="example: quay.io/jupyter/scipy-notebook:latest",
    escaped=True,
    has_ref=False,
)
