"""URLs of repositories: what is read, what is refused, and that secrets are not repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binderhub_ext.core.errors import BadLink, BinderError
from binderhub_ext.core.url import SCHEMES, git_url, read_pasted, read_url

GOOD = [
    ("https://github.com/o/n", "https://github.com/o/n"),
    ("HTTPS://GitHub.COM:443/o/n.git", "https://github.com/o/n.git"),
    ("http://h.example.org:8080/o/n", "http://h.example.org:8080/o/n"),
    ("http://h.example.org./o", "http://h.example.org/o"),
    ("http://bücher.example/o", "http://xn--bcher-kva.example/o"),
    ("http://[::1]:80/o", "http://[::1]/o"),
    ("https://h.example/~u/ü", "https://h.example/~u/%C3%BC"),
    ("https://h.example/o/n#readme", "https://h.example/o/n"),
]

BAD = [
    *("", "x", "/etc", "./x", "-oProxyCommand=x", "-x:y", "ext::sh -c x", "ext::sh", "http::x"),
    *("https://h.example/", "https:///o/n", "https://h.example/o?x=1", "http://h/a\nb"),
    *("http://h\\@evil/o", "http://h/../o", "http://h/%2e%2E/o", "http://h:99999/o", "http://h:x/"),
    *("http://127.1/o", "http://2130706433/o", "http://0x7f000001/o", "http://0177.0.0.1/o"),
    *("http://[::1/o", "http://[fe80::1%25eth0]/o", "http://a..b/o", "http://-a/o", "http://a b/o"),
    "https://h.example/" + "x" * 3000,
]

REFUSED = [
    *("file:///etc", "ftp://h/o", "ssh://git@h/o", "git://h/o", "git@github.com:o/n.git"),
    *("https://ada:hunter2@h.example/o", "https://hunter2@h.example/o", "host:path"),
]


ALLOWED_OF_GIT = {"ssh://git@h/o", "git://h/o", "git@github.com:o/n.git"}

GIT = [
    ("git@h.example:o/n.git", "ssh://git@h.example/o/n.git"),
    ("h.example:o/n", "ssh://git@h.example/o/n"),
    ("ssh://h.example:2222/o/n", "ssh://git@h.example:2222/o/n"),
    ("http://www.github.com/o/n.git/", "https://github.com/o/n"),
    ("https://h.example/o/n.git/", "https://h.example/o/n.git"),
    ("https://h.example/~u/my%20name", "https://h.example/~u/my%20name"),
]


@pytest.mark.parametrize(("text", "written"), GOOD)
def test_good(text: str, written: str) -> None:
    assert str(read_url(text)) == written
    assert str(read_url(written)) == written


@pytest.mark.parametrize(("text", "written"), GIT)
def test_addresses_of_git(text: str, written: str) -> None:
    """What a link is taken for is what is fetched: read again, it is the same."""
    assert git_url(text) == git_url(written) == str(read_url(written, SCHEMES)) == written


@pytest.mark.parametrize("text", [*BAD, *REFUSED])
def test_bad(text: str) -> None:
    with pytest.raises(BadLink) as caught:
        git_url(text if text not in ALLOWED_OF_GIT else f"{text}?x")
    assert "hunter2" not in str(caught.value.to_dict())


@pytest.mark.parametrize("text", REFUSED)
def test_only_the_web_unless_more_is_asked_for(text: str) -> None:
    with pytest.raises(BadLink) as caught:
        read_url(text)
    assert "hunter2" not in str(caught.value.to_dict())


def test_ports() -> None:
    assert read_url("ssh://h.example/o", {"ssh"}).port == 22
    assert read_url("git://h.example/o", {"git"}).port == 9418


def test_queries_are_for_archives() -> None:
    assert str(read_url("https://h.example/a?b=c%20d&e")) == "https://h.example/a?b=c%20d&e"


@given(st.text(max_size=40))
def test_anything_is_read_or_refused(text: str) -> None:
    for pasted in (text, f"https://{text}", f"https://h.example/{text}"):
        for read in (read_url, read_pasted):
            try:
                url = read(pasted)
            except BinderError:
                continue
            assert read_url(str(url), SCHEMES) == url
        try:
            written = git_url(pasted)
        except BinderError:
            continue
        assert str(read_url(written, SCHEMES)) == git_url(written) == written
