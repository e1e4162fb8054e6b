"""Whose fault a failed build is, and both sides of what does not go together."""

from __future__ import annotations

import pytest

from binderhub_ext.engines import blame
from binderhub_ext.engines.solver import conflict, is_alone

UNREACHABLE = [
    "error: Request failed after 3 retries\n  Caused by: error sending request for url\n"
    "  Caused by: dns error: failed to lookup address information: Name or service not known",
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError("
    "<pip._vendor>: Failed to establish a new connection: [Errno 111] Connection refused')'\n"
    "ERROR: Could not find a version that satisfies the requirement six (from versions: none)",
    "CondaHTTPError: HTTP 000 CONNECTION FAILED for url <https://conda.example.org/noarch>",
    "Warning: unable to access index for repository https://cran.example.org/src/contrib:\n"
    "  cannot open URL 'https://cran.example.org/src/contrib/PACKAGES'\n"
    "Warning message: package 'nosuch' is not available for this version of R",
    "#9 1.234 E: Failed to fetch http://deb.example.org/x  Temporary failure resolving 'deb'\n"
    "#9 1.235 E: Unable to fetch some archives, maybe run apt-get update",
    "npm ERR! code ENOTFOUND\nnpm ERR! network request to https://r.example.org/left-pad failed",
    'ERROR: failed to do request: Head "https://registry-1.example.org/v2/": dial tcp: i/o timeout',
    "  Caused by: HTTP status server error (503 Service Unavailable) for url (https://x.org/s)",
    "fatal: unable to access 'https://x.org/': The requested URL returned error: 502",
]
REPOSITORYS = [
    "error: Failed to fetch: `https://x.org/a.whl`\n  Caused by: HTTP status client error"
    " (404 Not Found) for url (https://x.org/a.whl)",
    "cannot open URL 'https://x.org/2020-13-01/PACKAGES': HTTP status was '404 Not Found'",
    "fatal: unable to access 'https://x.org/': The requested URL returned error: 404",
    "AssertionError: 500 != 501",
    "npm ERR! 404 Not Found - GET https://r.example.org/lft-pad",
    "",
]


@pytest.mark.parametrize("said", UNREACHABLE)
def test_a_host_that_cannot_be_reached_is_nobodys_fault_in_the_repository(said: str) -> None:
    assert "no fault of the repository" in blame.of_others(said)


@pytest.mark.parametrize("said", REPOSITORYS)
def test_what_is_not_there_is_the_repositorys(said: str) -> None:
    assert blame.of_others(said) == ""


def test_what_was_got_over_does_not_count() -> None:
    said = "Connection refused\n" + "Collecting six\n" * 50 + "SyntaxError: invalid syntax"
    assert blame.of_others(said) == ""


@pytest.mark.parametrize(
    "said",
    [
        "invalid peer certificate: UnknownIssuer",
        "npm ERR! code SELF_SIGNED_CERT_IN_CHAIN",
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    ],
)
def test_a_host_that_is_not_trusted(said: str) -> None:
    assert "authority" in blame.of_others(said)


BASE = ("jupyterhub>=4.1,<7", "jupyterlab>=3", "ipykernel")

# said, sentence
CONFLICTS = [
    (
        "x No solution found when resolving dependencies:\n  ╰─▶ Because pandas==2.2.2 depends on\n"
        "      numpy>=1.23.2 and you require numpy==1.19.5, we can conclude that your requirements"
        "      and pandas==2.2.2 are incompatible.\n"
        "      And because you require pandas==2.2.2, we can conclude that your requirements are\n"
        "      unsatisfiable.",
        "pandas 2.2.2 needs numpy ≥ 1.23.2; you ask for numpy 1.19.5.",
    ),
    (
        "error: No solution found when resolving dependencies\n  cause: Because pandas==2.2.2"
        " depends on numpy{python_full_version < '3.12'}>=1.23.2 and you require pandas==2.2.2, we"
        " can conclude that you require numpy>=1.23.2.\n         And because you require"
        " numpy==1.19.5, we can conclude that your requirements are unsatisfiable.",
        "pandas 2.2.2 needs numpy ≥ 1.23.2; you ask for numpy 1.19.5.",
    ),
    (
        "ERROR: Cannot install numpy==1.19.5 and pandas==2.2.2 because these package versions have"
        " conflicting dependencies.\n\nThe conflict is caused by:\n    The user requested"
        " numpy==1.19.5\n    pandas 2.2.2 depends on numpy>=1.23.2\n\nTo fix this",
        "pandas 2.2.2 needs numpy ≥ 1.23.2; you ask for numpy 1.19.5.",
    ),
    (
        "Because nunpyy was not found in the package registry and you require nunpyy, we can"
        " conclude that your requirements are unsatisfiable.",
        "There is no package nunpyy in the package index.",
    ),
    (
        "#12 3.4 ERROR: Could not find a version that satisfies the requirement nunpyy (from"
        " versions: none)\n#12 3.5 ERROR: No matching distribution found for nunpyy",
        "There is no package nunpyy in the package index.",
    ),
    (
        "Because there is no version of six==99 and you require six==99, we can conclude that your"
        " requirements are unsatisfiable.",
        "There is no six 99 for this Python and machine.",
    ),
    (
        "Because you require jupyterlab>=3 and jupyterlab==2.2.9, we can conclude that your"
        " requirements are unsatisfiable.",
        "This hub's own server needs jupyterlab ≥ 3; you ask for jupyterlab 2.2.9.",
    ),
    (
        "Because you require jupyterhub>=4.1,<7 and you require jupyterhub==1.4.2, we can conclude"
        " that your requirements are unsatisfiable.",
        "This hub's own server needs jupyterhub ≥ 4.1, < 7; you ask for jupyterhub 1.4.2.",
    ),
    (
        "Because you require six==1.16 and six==1.15, we can conclude that your requirements are"
        " unsatisfiable.",
        "You ask for six 1.16 and for six 1.15.",
    ),
    (
        "Because jupyter-server==2.14.0 depends on tornado>=6.2 and you require tornado<6, we can"
        " conclude that jupyter-server==2.14.0 cannot be used.",
        "jupyter-server 2.14.0 needs tornado ≥ 6.2; you ask for tornado < 6. jupyter-server is part"
        " of this hub's own server.",
    ),
]


@pytest.mark.parametrize(("said", "sentence"), CONFLICTS)
def test_both_sides_are_named(said: str, sentence: str) -> None:
    assert conflict(said, BASE).startswith(sentence)


def test_what_cannot_be_had_without_our_packages_either() -> None:
    """Only that; anything else is tried."""
    found = [number for number, (said, _) in enumerate(CONFLICTS) if is_alone(said, BASE)]
    assert found == [3, 5, 8]


def test_the_docker_engine_is_named_for_the_servers_own_packages() -> None:
    assert "docker engine" in conflict(CONFLICTS[6][0], BASE)
    assert "docker engine" in conflict(CONFLICTS[9][0], BASE)


def test_nothing_is_made_up() -> None:
    assert conflict("SyntaxError: invalid syntax", BASE) == ""
