"""The one family of errors people are meant to read.

A :class:`BinderError` carries a stable code for programs, a sentence a person can act on
and an HTTP status as a hint to the edge. The edge (a page, JSON or an event) shows exactly
these; anything else is logged with its traceback and shown as a reference number.

A sentence is a fixed text with named places, and what stands there (see
:class:`~.sentences.Sentence`): never text put together.
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING, Any

from .sentences import Sentence, fixed, listing
from .versions import short_id

if TYPE_CHECKING:
    from .updates import Update


_SHORT_ID = 7


class BinderError(Exception):
    """An expected "no", safe to show.

    Args:
        text: what happened and what to do about it, in full sentences; with places such as
            `{repo}` where there are fields.
        detail: longer text that helps (a resolver's explanation, the end of a log); shown
            folded away. Must be free of secrets.
        fields: what stands in the places of the text.

    Attributes:
        message: the text with its fields.
    """

    code = "error"
    status = 500

    def __init__(self, text: str, *, detail: str = "", **fields: object) -> None:
        self.message, self.detail = Sentence(text, **fields), detail
        super().__init__(self.message)

    def to_dict(self) -> dict[str, Any]:
        """The error as API clients see it."""
        said = {"code": self.code, "status": self.status, "message": self.message}
        detail = {"detail": self.detail} if self.detail else {}
        return {**said, **detail, **self.message.data}


class BadLink(BinderError):
    """The link, paste or form cannot be understood."""

    code, status = "bad-link", 400


class UnknownProvider(BadLink):
    """The provider of the link does not exist here."""

    code, status = "unknown-provider", 400


class NotAllowed(BinderError):
    """Understood, and refused by policy."""

    code, status = "not-allowed", 403


class AddressNotAllowed(NotAllowed):
    """The host is, or resolves to, an address this service must not reach."""

    code, status = "address-not-allowed", 403


class RepoNotFound(BinderError):
    """The repository does not exist, or needs a password."""

    code, status = "repo-not-found", 404


class RefNotFound(BinderError):
    """The repository exists, the ref does not.

    Args:
        default_branch: the branch to offer instead, if it is known.
    """

    code, status = "ref-not-found", 404

    def __init__(
        self, text: str, *, detail: str = "", default_branch: str = "", **fields: object
    ) -> None:
        super().__init__(text, detail=detail, **fields)
        self.default_branch = default_branch


class RepoUnavailable(BinderError):
    """The repository's host did not answer, or gave an unusable answer."""

    code, status = "repo-unavailable", 502


class ImageNotFound(BinderError):
    """There is no such container image, or this hub may not have it."""

    code, status = "image-not-found", 404


class ImageRefused(ImageNotFound):
    """The registry of a container image does not let this hub have it."""

    code, status = "image-refused", 403


class RegistryUnavailable(BinderError):
    """The registry of a container image did not answer, or gave an unusable answer."""

    code, status = "registry-unavailable", 502


class Unsupported(BinderError):
    """This engine cannot build that environment honestly."""

    code, status = "unsupported-environment", 422


class BuildFailed(BinderError):
    """The repository's own configuration could not be built."""

    code, status = "build-failed", 422


class BuildTimeout(BuildFailed):
    """The build took longer than the administrator allows."""

    code, status = "build-timeout", 422


class TooLarge(BinderError):
    """Larger than the administrator allows, however often it is tried."""

    code, status = "too-large", 413


class NoSpace(BinderError):
    """A disk or a quota is full."""

    code, status = "no-space", 507
    TEXT = "no space left|disk quota exceeded|n't have enough free space"

    @staticmethod
    def here() -> NoSpace:
        """The words for a full disk of the hub itself."""
        return NoSpace("The disk is full. Ask the administrator to make room.")

    @classmethod
    def in_text(cls, text: str) -> bool:
        """Whether a program that said this had a full disk."""
        return re.search(cls.TEXT, text, re.IGNORECASE) is not None

    @staticmethod
    def caused(error: BaseException) -> bool:
        """Whether an error of the system is of a full disk."""
        return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


class LaunchFailed(BinderError):
    """The image is fine, the server did not start."""

    code, status = "launch-failed", 502


class TooMany(BinderError):
    """A limit on builds, servers or requests is reached; later it will work."""

    code, status = "too-many", 429


class QuotaExceeded(BinderError):
    """A person has used as much as they may within some days; it says when there is room again."""

    code, status = "quota-exceeded", 429


class Cancelled(BinderError):
    """Somebody who may do so cancelled it."""

    code, status = "cancelled", 409


class Interrupted(BinderError):
    """The service was restarted while a launch or build was under way."""

    code, status = "interrupted", 503


class DatabaseUnavailable(BinderError):
    """The service's database is locked, damaged or does not answer."""

    code, status = "database-unavailable", 503


_NO_HUB = fixed(
    "The Hub does not answer. Try again in a minute; if it stays so, tell the administrator."
)


class HubUnavailable(BinderError):
    """The Hub does not answer."""

    code, status = "hub-unavailable", 503

    def __init__(self) -> None:
        super().__init__(_NO_HUB)


class NotFound(BinderError):
    """No such launch, build, project or volume (or not for this person)."""

    code, status = "not-found", 404


class Conflict(BinderError):
    """Something else of that name exists or is happening."""

    code, status = "conflict", 409


_RUNS = fixed(
    "Your server {server} is running with something else. Update and restart it, or open it as it "
    "is. Its files stay in either case."
)
_TOLD = fixed(
    "Others may enter your server {server}, and would read the secrets that it is given. Update "
    "and restart it, or open it as it is. Its files stay in either case."
)


class ServerDiffers(Conflict):
    """The person's server runs with another launch, or others would read the secrets that it is
    given, and it was not said what to do about it.

    Args:
        server: its name.
        changes: sentences: what a restart would change.
        told: further ones: who would read what it is given.
    """

    code, status = "server-differs", 409

    def __init__(
        self, server: str, changes: tuple[Sentence, ...], told: tuple[Sentence, ...] = ()
    ) -> None:
        super().__init__(
            _TOLD if told else _RUNS,
            detail=listing((*told, *changes), last="{these}\n{this}"),
            server=server,
        )
        self.changes = changes


class AsksItself(BinderError):
    """A hub that hands its builds to another was asked to build by itself, in the end."""

    code, status = "asks-itself", 508


_MOVED = fixed(
    "Nothing was launched: {ref} moved after you were asked. You were shown commit {shown}, and it "
    "is at {now} now. Open the link again to see what that is, or try again to launch it."
)


class RefMoved(Conflict):
    """A branch or tag is not at the commit any more that the person was shown.

    Args:
        ref: its name.
        shown: the commit they said yes to.
        now: the one it is at.
    """

    code, status = "ref-moved", 409

    def __init__(self, ref: str, shown: str, now: str) -> None:
        super().__init__(_MOVED, ref=ref, shown=shown[:_SHORT_ID], now=now[:_SHORT_ID])


class TargetMissing(BinderError):
    """The server runs, and what should be opened in it is not there."""

    code, status = "target-missing", 422


_BOTH_CHANGED = fixed(
    "Your project is at commit {previous}, this launch is of {commit}, and you have changed files "
    "that the repository has changed too. Choose whose version keeps its name. Nothing of yours is "
    "lost with any choice."
)


class FilesDiffer(Conflict):
    """The person and the repository changed the same files, and it was not said what to do.

    Args:
        update: what starting would do if both versions are kept.
    """

    code, status = "files-differ", 409

    def __init__(self, update: Update) -> None:
        super().__init__(
            _BOTH_CHANGED,
            previous=short_id(update.previous),
            commit=short_id(update.commit),
        )
        self.update = update


class BadTicket(NotAllowed):
    """The Hub was asked to start something this service did not sign."""

    code, status = "bad-ticket", 403


class CannotStart(BinderError):
    """A command cannot do its work with this machine, data directory or configuration."""

    code, status = "cannot-start", 500
