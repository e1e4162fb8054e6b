"""Providers that are files without versions of their own: a zip or tar by its address, OSF.

Sources: the addresses of osf.io, and how pip writes a checksum behind an address
(https://pip.pypa.io/en/stable/topics/vcs-support/, `#sha256=…`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qsl

from .errors import BadLink
from .launch import LaunchRequest
from .plain import plain, shown
from .provider import Provider
from .repo import Repo
from .sentences import Sentence, fixed
from .understanding import Again, Understanding, WebLink
from .url import WEB, read_pasted, read_url

_PACKED = re.compile(r"\.(?:zip|tar(?:\.(?:gz|bz2|xz))?|tgz|tbz2?|txz)\Z", re.IGNORECASE)
_CHECKSUM = re.compile(r"sha256[=:](?P<digest>[0-9a-fA-F]{64})")
_SIGNED = re.compile(
    r"x-(?:amz|goog|oss|ms)-.+|.*signature|sig|.*token|.*credential|password|(?:api_?)?key"
)
"""Names of parameters by which an address opens what is not everybody's."""

_PASSWORD = re.compile(r"//[^/\s]*@|[^/\s@:]:[^/\s@]*@")
"""As it stands in an address that is a parameter of another."""

_OSF_SITE = re.compile(r"(?:https?://)?(?:www\.)?osf\.io/(?:project/)?", re.IGNORECASE)
_GUID = re.compile(r"[a-z0-9]{5}")
_OSF_DOI = re.compile(r"10\.17605/osf\.io/(?P<guid>[a-z0-9]{5})")
_OSF_PAGES = ("download", "project", "registrations")
"""What may stand before the id of a project or a file."""

_NO_PROJECT = (
    "This address of OSF is not one of a project. Paste the address of the project that has the "
    "files, such as https://osf.io/ezcuj."
)


class _Packed(Provider):
    noun = fixed("address")

    def repo(self, name: str) -> Repo:
        address, _, fragment = name.partition("#")
        # a host may tell an escaped slash from one that is none
        path = read_url(address.replace(" ", "%20"), WEB).path
        place = replace(read_pasted(address, WEB), path=path)
        if not place.name:
            raise BadLink("{url} is not the address of an archive.", url=shown(str(place)))
        pairs = parse_qsl(place.query, keep_blank_values=True)
        words = (word for pair in pairs for word in pair)
        signed = any(_SIGNED.fullmatch(parameter.lower()) for parameter, _ in pairs)
        if signed or any(_PASSWORD.search(word) for word in words):
            raise BadLink(
                "This address has a signature or a key in it that opens the file for you, and ends "
                "with it. Paste an address that everybody can open."
            )
        checked = _CHECKSUM.fullmatch(fragment)
        if fragment.startswith("sha256") and not checked:
            raise BadLink(
                "The checksum at the end of the address is not #sha256= and 64 hexadecimal digits."
            )
        end = f"#sha256={checked['digest'].lower()}" if checked else ""
        return Repo(self.id, f"{place}{end}", f"{place}{end}")


class _Osf(Provider):
    noun = fixed("project")

    def repo(self, name: str) -> Repo:
        guid = _OSF_SITE.sub("", plain(name, "project"), count=1).partition("/")[0].lower()
        if not _GUID.fullmatch(guid):
            raise BadLink(
                "{name} is not the id of a project of OSF, which are five letters and digits.",
                name=shown(name),
            )
        return Repo(self.id, guid, f"https://osf.io/{guid}")

    def doi(self, doi: str) -> Understanding | None:
        found = _OSF_DOI.fullmatch(doi.lower())
        if not found and "/osf.io/" in doi.lower():
            raise BadLink(_NO_PROJECT)
        return Understanding(LaunchRequest(self.repo(found["guid"]))) if found else None

    def page(self, link: WebLink, again: Again) -> Understanding | None:
        """A page of a project, of a registration, or of a file in one."""
        if link.host != "osf.io":
            return None
        parts = [part.lower() for part in link.parts]
        guid = parts[1:2] if parts[:1] and parts[0] in _OSF_PAGES else parts[:1]
        if not guid or not _GUID.fullmatch(guid[0]) or guid[0] == "login":
            raise BadLink(_NO_PROJECT)
        return Understanding(LaunchRequest(self.repo(guid[0])))


def packed(link: WebLink) -> Understanding | None:
    """The archive that an address ends with, by its name alone; `None` if it is none.

    Raises:
        BadLink: an address that cannot be taken.
    """
    if not link.parts or not _PACKED.search(link.parts[-1]):
        return None
    query = f"?{link.raw_query}" if link.raw_query else ""
    fragment = f"#{link.fragment}" if link.fragment else ""
    taken = Understanding(LaunchRequest(ARCHIVE.repo(f"{link.url}{query}{fragment}")))
    return taken.guessing(Sentence("Took {url} as an archive with the files.", url=shown(link.url)))


ARCHIVE = _Packed(
    "archive",
    "Zip or tar archive",
    label="URL of the archive",
    placeholder="example: https://example.org/course.zip",
    pattern=r"[^/]+",
    escaped=True,
    has_ref=False,
    name="Archive",
    fetcher="binderhub_ext.repos.download:DownloadProvider",
)
OSF = _Osf(
    "osf",
    "OSF project",
    label="OSF project id or URL",
    placeholder="example: ezcuj or https://osf.io/ezcuj",
    pattern=r"[^/]+",
    escaped=True,
    has_ref=False,
    name="OSF",
    fetcher="binderhub_ext.repos.osf:OsfProvider",
)
