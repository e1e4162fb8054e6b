"""Pastes that must be refused in words, and pastes by the thousand that nobody would write."""

from __future__ import annotations

import random

import pytest
from test_link_table import TABLE
from test_links import check_words, read

from binderhub_ext.core.errors import BadLink, BinderError
from binderhub_ext.core.links import write_link
from binderhub_ext.core.paste import understand
from binderhub_ext.core.targets import is_below, landing

RUNS = 6000

REFUSED = [
    "",
    "   \n",
    "numpy",
    "hello world",
    "./here",
    "../there",
    "~/project",
    "/etc/passwd",
    "C:\\Users\\me\\repo",
    "file:///etc/passwd",
    "ext::sh -c id",
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://example.org/repo",
    "https://",
    "https://github.com",
    "https://github.com/owner",
    "https://github.com/topics/jupyter",
    "https://github.com/o/n/tree/a..b",
    "https://github.com/o/../n",
    "https://github.com/o/n/blob/main/%2e%2e/%2e%2e/x",
    "https://github.com/o/n/blob/main/a%5Cb",
    "https://github.com/o/n/blob/main/a%00b",
    "https://github.com/o/n\u202egnp.exe",
    "https://github.com/оwner/name",  # noqa: RUF001
    "https://github.com\\@evil.example/o/n",
    "https://user:hunter2@github.com/o/n",
    "https://hunter2@github.com/o/n",
    "https://oauth2:hunter2@gitlab.com/g/n.git",
    "git clone https://user:hunter2@github.com/o/n",
    "[x](https://user:hunter2@github.com/o/n)",
    "user:hunter2@github.com/o/n",
    "https://hub.example.org/hub/user-redirect/git-pull?repo=https://u:hunter2@github.com/o/n",
    "https://hub.example.org/hub/user-redirect/git-pull?repo=../x",
    "https://hub.example.org/hub/user-redirect/git-pull?repo=https://github.com/o/n&urlpath=//evil",
    "https://hub.example.org/hub/user-redirect/lab/tree/x",
    "https://hub.example.org/user/ann/lab/tree/x.ipynb",
    "https://mybinder.org/v2/svn/o/n/main",
    "https://mybinder.org/v2/gh/o/n/main?urlpath=//evil.example",
    "https://mybinder.org/v2/gh/o/n/main?volume=x:/",
    "https://mybinder.org/badge_logo.svg",
    "[![Binder](https://mybinder.org/badge_logo.svg)]()",
    "https://bitbucket.org/team/name/pull-requests/3",
    "https://github.com/o/n/compare/main...fork:branch",
    "https://colab.research.google.com/drive/1aBcD",
    "https://dataverse.org/dataset.xhtml?persistentId=hdl:1902.1/12345",
    "10.5281/../../x",
    "10.31234/osf.io/abcde",
    "https://osf.io/preprints/psyarxiv/abcde",
    "https://huggingface.co/docs/transformers",
    "https://huggingface.co/datasets/squad",
    "https://example.org/x.zip?X-Amz-Signature=hunter2",
    "https://example.org/x.zip#sha256=hunter2",
    "https://example.org/x.zip?of=https://u:hunter2@example.org",
    "https://example.org/a/../x.zip",
    "https://github.com/o/n https://github.com/p/q",
    "https://mybinder.org/v2/gh/o/n/HEAD\nhttps://mybinder.org/v2/gh/p/q/HEAD",
    "docker run --rm",
    "https://[::1/x",
    "https://example.org:99999/x.git",
    "https://github.com/o/n?x=%FF",
    "a" * 20_000,
    "https://github.com/o/n/tree/" + "a" * 10_240,
    "https://h.org/hub/login?next=" * 6,
]


@pytest.mark.parametrize("text", REFUSED, ids=[repr(text[:50]) for text in REFUSED])
def test_refused(text: str) -> None:
    with pytest.raises(BadLink) as caught:
        understand(text)
    check_words(caught.value)


PIECES = [
    *(text for text, _, _ in TABLE),
    *REFUSED[:-3],
    *("/", "//", "..", "%2F", "%2e%2e", "%00", "%0a", "\n", "\t", "\\", "@", ":", "?", "&", "#"),
    *("urlpath=", "filepath=", "volume=", "repo=", "next=", "v2/", "git+", ".git", "](", "\u202e"),
    *("а", "／", "é", "💥", "[::1]", "127.0.0.1", "a" * 300, " "),  # noqa: RUF001
]


def test_only_words_come_out_and_nothing_leaves_the_server() -> None:
    """Texts cut and glued at random from good and bad ones."""
    chance = random.Random(20240229)
    understood = 0
    for _ in range(RUNS):
        text = glued(chance)
        try:
            request = understand(text).request
        except BinderError as error:
            assert error.message.isprintable(), text
            assert ":hunter2@" not in error.message, text
            continue
        understood += 1
        assert read(write_link(request)) == request, text
        path = landing(request, "projects/o/n") if _has_target(request.target) else ""
        assert is_below("/user/ann/x/", f"/user/ann/x/{path}"), text
        assert request.repo is None or ":hunter2@" not in request.repo.url, text
    assert understood > RUNS / 50


def glued(chance: random.Random) -> str:
    first = chance.choice(PIECES)
    for _ in range(chance.randrange(1, 4)):
        other = chance.choice(PIECES)
        cut = chance.randrange(len(first) + 1)
        start = chance.randrange(len(other) + 1) if chance.random() < 0.5 else 0
        first = first[:cut] + other[start:] + (first[cut:] if chance.random() < 0.5 else "")
    return first


def _has_target(name: str) -> bool:
    from binderhub_ext.core.targets import TARGETS

    return not name or name in TARGETS
