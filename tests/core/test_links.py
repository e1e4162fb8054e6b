"""The grammar of links: round trips, BinderHub's meanings, and what is refused."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from launchrequests import requests

from binderhub_ext.core import parameters, targets
from binderhub_ext.core.errors import BadLink, BinderError, UnknownProvider
from binderhub_ext.core.launch import Access, Files, LaunchRequest, VolumeRequest
from binderhub_ext.core.links import (
    apply,
    apply_field,
    described,
    fields_of,
    read_link,
    with_ref,
    write_link,
)
from binderhub_ext.core.providers import PROVIDERS

RUNS = 400
DOCS = Path(__file__).parents[2] / "docs/reference/links.md"


def read(link: str) -> LaunchRequest:
    """Read a relative link as the service's route does: split, nothing decoded."""
    path, _, query = link.partition("?")
    version, provider, spec = path.split("/", 2)
    assert version == "v2"
    return read_link(provider, spec, query)


@settings(max_examples=RUNS)
@given(requests())
def test_reading_undoes_writing(request: LaunchRequest) -> None:
    assert read(write_link(request)) == request


@settings(max_examples=RUNS // 4)
@given(requests())
def test_fields_of_a_form_say_all_that_a_link_says(request: LaunchRequest) -> None:
    bare = LaunchRequest(request.repo, request.ref, image="" if request.repo else request.image)
    for name, values in fields_of(request).items():
        bare = apply_field(bare, name, values)
    assert bare == request


@settings(max_examples=RUNS // 4)
@given(requests())
def test_programs_are_told_the_whole_link(request: LaunchRequest) -> None:
    assert read(str(described(request)["link"])) == request


@settings(max_examples=RUNS)
@given(requests())
def test_a_link_lands_below_its_server(request: LaunchRequest) -> None:
    path = targets.landing(request, "projects/owner/name")
    for prefix in ("/user/ann/", "/user/ann/name-12345678/", "https://hub.org/user/ann/s/"):
        assert targets.is_below(prefix, prefix + path)


MEANINGS = [
    ("labpath=a/b.ipynb", {"target": "lab", "filepath": "a/b.ipynb"}),
    ("labpath=/a/b.ipynb/", {"target": "lab", "filepath": "a/b.ipynb"}),
    ("filepath=a.ipynb", {"filepath": "a.ipynb"}),
    ("filepath=a.ipynb&labpath=b.ipynb", {"target": "lab", "filepath": "b.ipynb"}),
    ("urlpath=lab&filepath=a.ipynb", {"filepath": "a.ipynb", "urlpath": ""}),
    ("urlpath=/lab/tree/a.ipynb", {"urlpath": "lab/tree/a.ipynb"}),
    ("urlpath=lab&urlpath=tree", {"urlpath": "lab"}),
    ("urlpath=", {"urlpath": ""}),
    ("filepath=my%20file.ipynb", {"filepath": "my file.ipynb"}),
    ("filepath=my+file.ipynb", {"filepath": "my file.ipynb"}),
    ("target=voila&filepath=a.ipynb", {"target": "voila", "filepath": "a.ipynb"}),
    ("files=home", {"files": Files.HOME}),
    ("files=", {"files": Files.PROJECT}),
    ("mem=512M", {"memory": 512 * 2**20}),
    ("mem=4GB", {"memory": 4 * 2**30}),
    ("mem=1.5g", {"memory": 3 * 2**29}),
    ("mem=1073741824", {"memory": 2**30}),
    ("cpu=0.5", {"cpu": 0.5}),
    ("cpu=250m", {"cpu": 0.25}),
    ("idle=30m", {"idle": 1800}),
    ("idle=1d2h3m4s", {"idle": 93784}),
    ("idle=90", {"idle": 90}),
    ("volume=data", {"volumes": (VolumeRequest("data"),)}),
    ("volume=data:ro", {"volumes": (VolumeRequest("data", "", Access.RO),)}),
    ("volume=data:in/here", {"volumes": (VolumeRequest("data", "in/here"),)}),
    ("volume=data:~/here:rw", {"volumes": (VolumeRequest("data", "here", Access.RW),)}),
    ("volume=a&volume=b&volume=a", {"volumes": (VolumeRequest("a"), VolumeRequest("b"))}),
    ("share=ann&share=bob", {"share": ("ann", "bob")}),
    ("colour=red&colour=blue", {"extra": (("colour", "red"), ("colour", "blue"))}),
    ("token=secret&build_token=x&build_only=true", {"extra": ()}),
]


@pytest.mark.parametrize(("query", "expected"), MEANINGS, ids=[row[0] for row in MEANINGS])
def test_meaning(query: str, expected: dict[str, object]) -> None:
    request = read_link("gh", "o/n/HEAD", query)
    assert {name: getattr(request, name) for name in expected} == expected


HOSTILE_QUERIES = [
    "urlpath=//evil.example",
    "urlpath=///evil.example",
    "urlpath=https:evil.example",
    "urlpath=/https://evil.example",
    "urlpath=javascript:alert(1)",
    "urlpath=%5C%5Cevil.example",
    "urlpath=/%5Cevil.example",
    "urlpath=/%09/evil.example",
    "urlpath=/%0A/evil.example",
    "urlpath=/user/other/",
    "urlpath=user/other/lab",
    "urlpath=%252Fuser/other",
    "urlpath=/hub/logout",
    "urlpath=/services/x",
    "urlpath=../other/lab",
    "urlpath=lab/../../other",
    "urlpath=lab/%252e%252e/x",
    "urlpath=lab%252F..%252F..",
    "urlpath=lab%2500",
    "urlpath=lab/tree/%EF%BC%8Fx",
    f"urlpath={'a' * 10_000}",
    "filepath=../../etc/passwd",
    "filepath=//evil.example",
    "filepath=a%5Cb",
    "filepath=a%00b",
    "filepath=a%252Fb",
    "filepath=a%0D%0Ab",
    "filepath=a%E2%80%AEb",
    "labpath=%2e%2e/x",
    "labpath=m%D0%B0in.ipynb",
    "volume=data:/",
    "volume=data:/etc",
    "volume=data:..",
    "volume=data:a/../..",
    "volume=data:.",
    "volume=data:~",
    "volume=data:.ssh",
    "volume=data:.ipython/profile_default",
    "volume=data:projects",
    "volume=data:a:b:ro",
    "volume=../other",
    "volume=a/b",
    "volume=.hidden",
    "volume=:here",
    "volume=a%00",
    "files=everything",
    "files=home&files=none",
    "image=a&image=b",
    "image=--privileged",
    "image=https://evil.example/x",
    "image=UPPER/case",
    "server=Bad_Name",
    "server=-x",
    f"server={'a' * 31}",
    "size=../x",
    "mem=0",
    "mem=-1",
    "mem=lots",
    "mem=1e9",
    "cpu=0",
    "cpu=nan",
    "cpu=inf",
    "idle=0",
    "idle=soon",
    "idle=999999999999999999",
    "share=a/b",
    "share=a%0Ab",
    "x=%FF",
    "&".join(f"a{i}=1" for i in range(200)),
]


@pytest.mark.parametrize("query", HOSTILE_QUERIES, ids=[q[:40] for q in HOSTILE_QUERIES])
def test_refused_parameter(query: str) -> None:
    with pytest.raises(BadLink) as caught:
        read_link("gh", "o/n/HEAD", query)
    check_words(caught.value)


HOSTILE_SPECS = [
    ("gh", "o"),
    ("gh", "o/n"),
    ("gh", "o/n/"),
    ("gh", "o/../HEAD"),
    ("gh", "../n/HEAD"),
    ("gh", "o/%2e%2e/HEAD"),
    ("gh", "o%2Fn/x/HEAD"),
    ("gh", "o/n%00/HEAD"),
    ("gh", "o/n%0Ax/HEAD"),
    ("gh", "o/n%FF/HEAD"),
    ("gh", "оwner/n/HEAD"),  # noqa: RUF001
    ("gh", "%D0%BEwner/n/HEAD"),
    ("gh", "-o/n/HEAD"),
    ("gh", "o/n/../../user"),
    ("gh", "o/n/a%2F..%2F..%2Fuser"),
    ("gh", "o/n/%252e%252e"),
    ("gh", "o/n/a%00"),
    ("gh", "o/n/a%0A"),
    ("gh", "o/n/--upload-pack=x"),
    ("gh", "o/n/a b"),
    ("gh", "o/n/HEAD~1"),
    ("gh", "o/n/m%D0%B0in"),
    ("gh", f"o/n/{'a' * 10_240}"),
    ("gh", "o" * 5000 + "/n/HEAD"),
    ("gist", "user/not-hex"),
    ("gist", "user"),
    ("gl", "name/HEAD"),
    ("gl", "..%2F..%2Fadmin/HEAD"),
    ("git", "https%3A%2F%2Fgit.example.org%2Fx"),
    ("git", "https%3A%2F%2Fuser%3Ahunter2%40git.example.org%2Fx/HEAD"),
    ("git", "file%3A%2F%2F%2Fetc/HEAD"),
    ("git", "ext%3A%3Ash%20-c%20id/HEAD"),
    ("git", "-oProxyCommand%3Dx%3Ay/HEAD"),
    ("git", "ssh%3A%2F%2F-oProxyCommand%3Dx%2Fy/HEAD"),
    ("git", "https%3A%2F%2Fgit.example.org%2F..%2Fx/HEAD"),
    ("git", "https%3A%2F%2Fgit.example.org%2Fa%0Ab/HEAD"),
    ("git", "https%3A%2F%2F0x7f.1%2Fx/HEAD"),
    ("git", "https%3A%2F%2F2130706433%2Fx/HEAD"),
    ("git", "https%3A%2F%2Fg%D1%96thub.com%2Fx/HEAD"),
    ("zenodo", "not-a-doi"),
    ("zenodo", "10.5281/../x"),
    ("hydroshare", "xyz"),
    ("ckan", "https%3A%2F%2Fdemo.ckan.org%2Fnothing"),
    ("image", "--privileged"),
    ("image", "a%20b"),
]


@pytest.mark.parametrize(
    ("provider", "spec"), HOSTILE_SPECS, ids=[s[:40] for _, s in HOSTILE_SPECS]
)
def test_refused_spec(provider: str, spec: str) -> None:
    with pytest.raises(BadLink) as caught:
        read_link(provider, spec)
    check_words(caught.value)


def check_words(error: BinderError) -> None:
    """A sentence, on one line, short, and no password in it."""
    assert error.message[0].isupper() or error.message[0] in "“f"
    assert error.message.endswith((".", "?"))
    assert error.message.isprintable()
    assert len(error.message) < 400
    assert "hunter2" not in error.message + error.detail


def test_unknown_provider_says_which_there_are() -> None:
    with pytest.raises(UnknownProvider, match="gh, gist"):
        read_link("svn", "x/y")


def test_two_images() -> None:
    with pytest.raises(BadLink, match="two images"):
        read_link("image", "a%2Fb", "image=c/d")


def test_a_later_layer_wins_and_keeps_the_rest() -> None:
    request = read_link("gh", "o/n/main", "files=home&filepath=a.ipynb&mem=1G")
    changed = apply(request, [("urlpath", "rstudio/"), ("files", "none"), ("server", "")])
    assert (changed.files, changed.urlpath, changed.filepath) == (Files.NONE, "rstudio/", "")
    assert changed.memory == request.memory


def test_another_ref() -> None:
    request = read_link("gh", "o/n/main")
    assert with_ref(request, "") == request
    assert with_ref(request, "dev").ref == "dev"
    with pytest.raises(BadLink):
        with_ref(read_link("image", "a%2Fb"), "dev")


def test_every_field_of_a_request_can_be_written() -> None:
    written = {parameter.field for parameter in parameters.PARAMETERS.values()}
    assert written | {"repo", "ref", "filepath", "urlpath", "extra"} == {
        field.name for field in fields(LaunchRequest)
    }


@pytest.mark.parametrize(
    "word", [*parameters.PARAMETERS, *parameters.DESTINATIONS, *PROVIDERS, *targets.TARGETS]
)
def test_documented(word: str) -> None:
    assert f"\n| `{word}` |" in DOCS.read_text()
