"""What the catalogue's pages and its API show. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from ...core.errors import BuildFailed, BuildTimeout, RefNotFound, RepoNotFound, RepoUnavailable
from ...core.errors import Unsupported as CannotBuild
from ...core.launch import LaunchRequest
from ...core.links import write_link
from ...core.pictures import BYTES_MAX, PIXELS_MAX
from ...core.providers import Providers
from ...core.sentences import NOTHING, Sentence
from ...core.space import size_words
from ...engines.base import Image
from ..catalogue import pictures
from ..catalogue.entries import Catalogue, owns
from ..hub import Person
from ..records.catalogue import Reported
from ..records.tables import CatalogueRow, ReportRow
from . import views

_NOT_LAUNCHED = Sentence("This hub does not launch it any more.")
_NOT_BUILT = Sentence("Its environment could not be built.")
_WRONG = {
    RepoNotFound.code: Sentence("Its repository is gone, or not everybody may read it."),
    RefNotFound.code: Sentence("Its branch, tag or commit is gone."),
    RepoUnavailable.code: Sentence("Its host did not answer."),
    **dict.fromkeys((BuildFailed.code, BuildTimeout.code, CannotBuild.code), _NOT_BUILT),
}
_FLAWS = {
    pictures.MISSING: Sentence("There is no such file in the repository."),
    pictures.LARGE: Sentence("It has more than {most}.", most=size_words(BYTES_MAX)),
    pictures.UNFIT: Sentence(
        "It is no PNG, JPEG or WebP picture of at most {pixels} million pixels; what moves, or is"
        " not whole, is not shown.",
        pixels=PIXELS_MAX // 1_000_000,
    ),
    pictures.UNREACHED: Sentence("Its repository could not be fetched. It is tried again."),
}
_OTHERWISE = Sentence("Whether it can be launched was not found out.")


class EntryViews:
    """Shows entries to one person.

    Args:
        catalogue: says what an entry launches.
        person: who looks.
        images: the environments there are, by their keys.
        prefix: of the service; ends in "/".
    """

    def __init__(
        self, catalogue: Catalogue, person: Person, images: Mapping[str, Image], prefix: str
    ) -> None:
        self._catalogue, self._person = catalogue, person
        self._images, self._prefix = images, prefix

    def of(self, row: CatalogueRow) -> dict[str, Any]:
        """An entry as pages and `GET api/catalogue` have it."""
        request = self._catalogue.opens(row)
        health = _health(row, request)
        repo = views.repo_view(request.repo) if request else None
        return {
            "id": row.id,
            "title": row.title,
            "text": row.text,
            "tags": row.tags.split(),
            "group": row.group,
            "owner": row.owner,
            "mine": owns(self._person, row),
            "link": row.link,
            "repo": repo,
            "image": request.image if request else "",
            "ref": request.ref if request and repo and request.ref != "HEAD" else "",
            "open_url": self._prefix + row.link if request else "",
            "page": f"{self._prefix}catalogue/{row.id}",
            "featured": row.featured,
            "hidden": row.hidden,
            "people": row.people if health["ok"] else 0,
            "made": views.iso(row.made),
            "changed": views.iso(row.changed),
            "environment": self._environment(row, request),
            **self._picture(row),
            "health": health,
        }

    def _picture(self, row: CatalogueRow) -> dict[str, Any]:
        """What it is shown with: without `picture_url` as long as that is not to be had."""
        url = f"{self._prefix}catalogue/{row.id}/picture/{row.picture_tag}"
        return {
            "picture": row.picture,
            "picture_text": row.picture_text,
            "picture_url": url if row.picture_tag and self._catalogue.shows_pictures else "",
            "picture_flaw": _FLAWS.get(row.picture_flaw, NOTHING),
        }

    def reported(self, one: Reported) -> dict[str, Any]:
        """An entry as administrators have it, with what is said of it."""
        return {**self.of(one.row), "reports": [_report(report) for report in one.reports]}

    def _environment(self, row: CatalogueRow, request: LaunchRequest | None) -> dict[str, Any]:
        """Whether it is built, so that a launch starts at once, and its size, if that is known."""
        image = self._images.get(row.key)
        if request is None or request.image or request.environment or not row.key:
            return {"built": None, "bytes": None}
        return {"built": image is not None, "bytes": (image.size or None) if image else None}


def form_values(row: CatalogueRow, base: str) -> dict[str, str]:
    """What stands in the form that changes an entry.

    Args:
        base: absolute URL of the service.
    """
    said = {"title": row.title, "text": row.text, "tags": " ".join(row.tags.split())}
    pictured = {"picture": row.picture, "picture_text": row.picture_text}
    return {"link": base + row.link, **said, **pictured, "group": row.group}


def prefilled(request: LaunchRequest, base: str, providers: Providers) -> dict[str, str]:
    """What stands in the form that publishes a link."""
    title = request.repo.title if request.repo else request.image.rpartition("/")[2]
    return {"link": base + write_link(request, providers=providers), "title": title}


def tabs(query: Mapping[str, str], names: Sequence[str], prefix: str) -> dict[str, str]:
    """The addresses of the parts of the catalogue, with what is looked for."""
    asked = {name: value for name, value in query.items() if value and name != "show"}
    with_show = {name: {**asked, "show": name} if name else asked for name in names}
    return {
        name: f"{prefix}catalogue" + (f"?{urlencode(fields)}" if fields else "")
        for name, fields in with_show.items()
    }


def _health(row: CatalogueRow, request: LaunchRequest | None) -> dict[str, Any]:
    """Whether it can be launched: `ok` is nothing as long as nobody has looked."""
    checked = views.iso(row.checked)
    if request is None:
        return {"ok": False, "checked": checked, "message": _NOT_LAUNCHED}
    if row.checked is None:
        return {"ok": None, "checked": "", "message": NOTHING}
    if not row.code:
        return {"ok": True, "checked": checked, "message": NOTHING}
    return {"ok": False, "checked": checked, "message": _WRONG.get(row.code, _OTHERWISE)}


def _report(row: ReportRow) -> dict[str, str]:
    return {"user": row.user, "reason": row.reason, "made": views.iso(row.made)}
