"""What git says went wrong, as errors that tell a person what to do.

Pure. Git has no exit codes for these, so its sentences (English, `LC_ALL=C.UTF-8`) are matched; a
sentence that is not known becomes "could not be read", with git's own words as detail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..core.errors import BinderError, NoSpace, RefNotFound, RepoNotFound, RepoUnavailable
from ..core.sentences import fixed

_DETAIL_MAX = 2000


@dataclass(frozen=True)
class _Rule:
    pattern: re.Pattern[str]
    error: type[BinderError]
    words: str


def _rule(pattern: str, error: type[BinderError], words: str) -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), error, words)


_NOT_FOUND = (
    "There is no repository at {url} that can be read without a password. Check the spelling; "
    "if it is right, the repository may have been moved or deleted, or it is private: then store "
    "a token for its host on the settings page, and launch again."
)
_NOT_WITH_TOKEN = fixed(
    "The token you stored does not open {url}. It may have expired or been revoked, or may not "
    "read this repository: store a new one on the settings page. If there is no such repository, "
    "check the spelling."
)

RULES = (
    _rule(
        NoSpace.TEXT,
        NoSpace,
        "This service's disk is full, so {url} could not be fetched. Please tell the "
        "administrator; nothing of yours is lost.",
    ),
    _rule(
        r"not our ref|unadvertised object|couldn't find remote ref|no such remote ref"
        r"|expected commit type",
        RefNotFound,
        "The commit asked for does not exist in {url} (any more). Use a branch, a tag or another "
        "commit of it.",
    ),
    _rule(
        r"authentication failed|could not read (username|password)|terminal prompts disabled"
        r"|returned error: 40[134]\b|repository .* not found|permission denied \(publickey"
        r"|access denied or repository not exported",
        RepoNotFound,
        _NOT_FOUND,
    ),
    _rule(
        r"returned error: 410\b",
        RepoNotFound,
        "The repository at {url} has been taken down by its host.",
    ),
    _rule(
        r"returned error: 429\b",
        RepoUnavailable,
        "The host of {url} has had too many requests from here and asks us to wait. Try again in "
        "a few minutes.",
    ),
    _rule(
        r"returned error: 3\d\d\b",
        RepoUnavailable,
        "{url} leads to somewhere else that is no Git repository. Open it in a browser and copy "
        "the repository's clone URL from there.",
    ),
    _rule(
        r"returned error: 5\d\d\b",
        RepoUnavailable,
        "The host of {url} has a fault of its own at the moment. Try again in a few minutes.",
    ),
    _rule(
        r"certificate|ssl|tls|gnutls",
        RepoUnavailable,
        "No secure connection to the host of {url} could be made: its certificate is not valid "
        "here, or its encryption is too old. If it is your institution's own host, ask the "
        "administrator to add its certificate authority.",
    ),
    _rule(
        r"could not resolve (host|proxy)|name or service not known",
        RepoUnavailable,
        "The host of {url} is unknown or its name cannot be looked up just now. Check the "
        "spelling of the URL; if it is right, try again in a minute.",
    ),
    _rule(
        r"operation too slow|timed? ?out",
        RepoUnavailable,
        "The host of {url} answers too slowly. Try again later.",
    ),
    _rule(
        r"couldn't connect|failed to connect|connection (refused|reset)|no route to host"
        r"|network is unreachable|empty reply|hung up unexpectedly|early eof|rpc failed",
        RepoUnavailable,
        "The host of {url} cannot be reached, or broke off in the middle. Try again in a minute.",
    ),
    _rule(
        r"not valid: (is this|could not determine|invalid)|does not appear to be a git repository"
        r"|invalid server response|protocol error",
        RepoNotFound,
        "{url} is a web page, not a Git repository. Open it in a browser and copy the "
        "repository's clone URL from there.",
    ),
)


def understand(stderr: str, url: str, *, with_credential: bool = False) -> BinderError:
    """The error that git's words mean.

    Args:
        stderr: what git said.
        url: the repository, as it may be shown.
        with_credential: whether somebody's credential was shown to the host.
    """
    detail = stderr[-_DETAIL_MAX:]
    for rule in RULES:
        if rule.pattern.search(stderr):
            refused = with_credential and rule.words is _NOT_FOUND
            words = _NOT_WITH_TOKEN if refused else rule.words
            return rule.error(words, detail=detail, url=url)
    return RepoUnavailable(
        "{url} could not be read. Git's own words may help.", url=url, detail=detail
    )


def is_redirect(stderr: str) -> bool:
    """Whether the host answered with another address."""
    return re.search(r"returned error: 30[12378]\b", stderr) is not None


def is_unadvertised(stderr: str) -> bool:
    """Whether the server gives whole branches and tags only, not commits by their id."""
    return "unadvertised object" in stderr
