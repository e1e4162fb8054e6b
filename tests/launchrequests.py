"""Launch requests of every shape that a link can ask for, for property tests."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from binderhub_ext.core.contents import check_content
from binderhub_ext.core.errors import BadLink
from binderhub_ext.core.launch import Access, Content, Files, LaunchRequest, VolumeRequest
from binderhub_ext.core.plain import server_path
from binderhub_ext.core.providers import PROVIDERS
from binderhub_ext.core.repo import Repo


def git_path(path: str) -> str:
    return "".join(c for c in path if c.isalnum() or c in "/-_~") or "x"


NAMES = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,20}", fullmatch=True)
WORDS = st.text(
    st.characters(codec="utf-8", categories=["Ll", "Lu", "Nd"], max_codepoint=0x17F)
    | st.sampled_from(" _-+&=#?'\"()[]@!$,;~*:<>"),
    min_size=1,
    max_size=12,
).filter(lambda word: word.strip() == word)
PATHS = st.lists(WORDS, min_size=1, max_size=4).map("/".join)
MOUNTS = PATHS.filter(
    lambda p: ":" not in p and "~" not in p.split("/") and p.casefold() != "projects"
)
REFS = st.sampled_from(["HEAD", "main", "feature/x", "v1.0", "größe", "a+b&c=d#e", "a" * 40])
GITHUB = st.tuples(NAMES, NAMES).map(lambda p: PROVIDERS["gh"].repo("/".join(p)))
GITLAB = st.lists(NAMES, min_size=2, max_size=4).map(lambda p: PROVIDERS["gl"].repo("/".join(p)))
GIT = st.tuples(NAMES, PATHS).map(
    lambda p: PROVIDERS["git"].repo(f"https://{p[0].strip('-_').lower()}.example/{git_path(p[1])}")
)
ARCHIVES = st.sampled_from(
    [
        PROVIDERS["zenodo"].repo("10.5281/zenodo.3242074"),
        PROVIDERS["dataverse"].repo("10.7910/DVN/TJCLKP"),
        PROVIDERS["hydroshare"].repo("8f7c2f0341ef4180b0dbe97f59130756"),
        PROVIDERS["osf"].repo("ezcuj"),
        PROVIDERS["hf"].repo("datasets/owner/name"),
        PROVIDERS["archive"].repo("https://example.org/a b/x.zip?dl=1#sha256=" + "0a" * 32),
        PROVIDERS["ckan"].repo("https://demo.ckan.org/dataset/a?activity_id=b"),
    ]
)
VOLUMES = st.builds(
    VolumeRequest,
    WORDS.filter(lambda w: ":" not in w),
    st.just("") | MOUNTS | st.sampled_from(["ro", "rw"]),
    st.none() | st.sampled_from(Access),
).filter(lambda v: not v.name.startswith((".", "-")))
FOLDERS = PATHS.filter(
    lambda p: (
        ":" not in p
        and p.split("/")[0].casefold() not in ("projects", "shared", "shared-volumes")
        and all(part[0] not in ".-~" for part in p.split("/"))
    )
)


@st.composite
def contents(draw: st.DrawFn) -> Content:
    repo = draw(GITHUB | GITLAB | GIT | ARCHIVES)
    ref = draw(REFS) if PROVIDERS[repo.provider].has_ref else "HEAD"
    return Content(repo, ref, draw(st.just("") | FOLDERS))


DESTINATIONS = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"filepath": PATHS, "target": st.sampled_from(["", "lab", "voila"])}),
    st.fixed_dictionaries({"target": st.sampled_from(["lab", "rstudio"])}),
    st.builds(
        lambda path, query: {"urlpath": server_path(f"lab/tree/{path}?{query}")}, PATHS, PATHS
    ),
)


def beside(repo: Repo | None) -> Callable[[list[Content]], bool]:
    """Whether content can come with an environment's repository: nothing twice or in the way."""

    def check(found: list[Content]) -> bool:
        try:
            check_content(LaunchRequest(repo, content=tuple(found)))
        except BadLink:
            return False
        return True

    return check


@st.composite
def requests(draw: st.DrawFn) -> LaunchRequest:
    """Requests as links can ask for them."""
    image = draw(st.sampled_from(["", "quay.io/jupyter/base-notebook:latest", "a/b"]))
    repo = draw(GITHUB | GITLAB | GIT | ARCHIVES | (st.none() if image else st.nothing()))
    with_refs = repo is not None and PROVIDERS[repo.provider].has_ref
    return LaunchRequest(
        repo,
        draw(REFS) if with_refs else "HEAD",
        files=draw(st.sampled_from(Files)),
        volumes=tuple(draw(st.lists(VOLUMES, max_size=3, unique=True))),
        content=tuple(draw(st.lists(contents(), max_size=2).filter(beside(repo)))),
        image=image,
        server=draw(st.sampled_from(["", "my-server", "a1"])),
        size=draw(st.just("") | st.sampled_from(["small", "Large one"])),
        memory=draw(st.integers(0, 2**45)),
        cpu=draw(st.integers(0, 64_000)) / 1000,
        idle=draw(st.integers(0, 10**7)),
        share=tuple(draw(st.lists(st.sampled_from(["ann", "bob@x.org"]), max_size=2, unique=True))),
        secrets=tuple(
            draw(st.lists(st.sampled_from(["API_KEY", "other_1"]), max_size=2, unique=True))
        ),
        extra=tuple(
            draw(st.lists(st.tuples(WORDS.map(lambda w: f"x-{w}"), WORDS), max_size=2, unique=True))
        ),
        **draw(DESTINATIONS),
    )
