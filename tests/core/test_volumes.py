"""Who may use which volume, and where it may appear: tables, and whatever Hypothesis thinks of."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binderhub_ext.core.errors import BadLink, BinderError, Conflict, NotAllowed
from binderhub_ext.core.launch import Access, VolumeRequest
from binderhub_ext.core.volumes import (
    GroupRules,
    Kind,
    Volume,
    access_of,
    check_free,
    check_name,
    check_person,
    check_place,
    resolve,
)

RO, RW = Access.RO, Access.RW
DATA = Volume("id1", "data", Kind.SHARED, "ann", {"bob": RO}, {"lab": RW, "class": RO}, 5)
CLASS = Volume("id2", "class", Kind.GROUP, "config:class", {}, {"teachers": RW, "students": RO})
ALL = (DATA, CLASS)


@pytest.mark.parametrize(
    ("volume", "user", "groups", "access"),
    [
        (DATA, "ann", (), RW),
        (DATA, "bob", (), RO),
        (DATA, "bob", ("lab",), RW),
        (DATA, "eve", (), None),
        (DATA, "eve", ("class",), RO),
        (DATA, "eve", ("class", "lab"), RW),
        (DATA, "lab", (), None),
        (DATA, "eve", ("bob", "ann"), None),
        (CLASS, "eve", ("students",), RO),
        (CLASS, "eve", ("students", "teachers"), RW),
        (CLASS, "config:class", (), None),
    ],
)
def test_access(volume: Volume, user: str, groups: tuple[str, ...], access: Access | None) -> None:
    assert access_of(volume, user, groups) == access


@pytest.mark.parametrize(
    ("user", "groups", "asked", "given"),
    [
        ("ann", (), VolumeRequest("data"), "shared/data rw"),
        ("ann", (), VolumeRequest("data", "", RO), "shared/data ro"),
        ("bob", (), VolumeRequest("data", "", RW), "shared/data ro"),
        ("bob", (), VolumeRequest("data", "my/data"), "my/data ro"),
        ("bob", (), VolumeRequest("id1", "~/x"), "x ro"),
        ("ann", (), VolumeRequest("data", "projects/o/n/data"), "projects/o/n/data rw"),
    ],
)
def test_what_a_launch_gets(
    user: str, groups: tuple[str, ...], asked: VolumeRequest, given: str
) -> None:
    (placed,) = resolve([asked], ALL, user, groups, project="projects/o/n")
    assert f"{placed.place} {placed.access}" == given


@pytest.mark.parametrize("name", ["data", "id1", "class", "nothing", "", "DATA", "../data", "id"])
def test_what_is_not_theirs_is_as_what_is_not_there(name: str) -> None:
    with pytest.raises(NotAllowed, match="There is no volume"):
        resolve([VolumeRequest(name)], ALL, "eve", ("other",))


def test_a_groups_volume_comes_before_what_somebody_called_the_same() -> None:
    fake = Volume("id3", "class", Kind.SHARED, "eve", {"stu": RW})
    (placed,) = resolve([VolumeRequest("class")], (fake, CLASS), "stu", ("students",))
    assert placed.volume is CLASS
    twin = Volume("id4", "data", Kind.SHARED, "eve", {"ann": RW})
    with pytest.raises(NotAllowed, match="id1, id4"):
        resolve([VolumeRequest("data")], (*ALL, twin), "ann", ())


HOSTILE_PLACES = [
    "/",
    ".",
    "./",
    "~",
    "~/",
    "/etc",
    "/home/jovyan/x",
    "..",
    "../x",
    "a/../../x",
    "a/%2e%2e/x",
    "a%2fb",
    "a\\b",
    "~root/x",
    "a/~",
    ".ssh",
    ".local",
    "a/.git",
    "shared/.config",
    "projects",
    "Projects",
    "projects/",
    "projects/o",
    "projects/o/n",
    "projects/o/other/data",
    "projects/../.ssh",
    "x\0y",
    "x\ny",
    "x\u202ey",
    "a:b",
    "x" * 300,
    "/".join(["a"] * 150),
    "d\u0430ta",  # a Cyrillic letter
    "a\uff0fb",  # a look-alike of a slash
    "é" * 60,
]


@pytest.mark.parametrize("place", HOSTILE_PLACES)
def test_hostile_places_are_refused(place: str) -> None:
    with pytest.raises(BadLink):
        check_place(place, "projects/o/n")


@pytest.mark.parametrize("place", ["shared/x", "daten/für alle", "a/b/c", "~/data", "./x", "日本"])
def test_plain_places_are_taken(place: str) -> None:
    assert not check_place(place).is_absolute()


@pytest.mark.parametrize(
    ("one", "other"),
    [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("A", "a"), ("a", "./a"), ("a/b", "A/B/c")],
)
def test_volumes_in_each_others_way_are_refused(one: str, other: str) -> None:
    asked = [VolumeRequest("data", one), VolumeRequest("class", other)]
    with pytest.raises(BadLink, match="each other's way"):
        resolve(asked, ALL, "ann", ("students",))


def test_one_volume_may_be_seen_twice_apart() -> None:
    asked = [VolumeRequest("data", "a"), VolumeRequest("data", "ab", RO)]
    assert [p.access for p in resolve(asked, ALL, "ann", ())] == [RW, RO]


@pytest.mark.parametrize("name", ["a", "data", "data-2", "my.data_1", "0", "a" * 40])
def test_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "a..b", "-a", "a-", ".a", "a/b", "a:b", "a b", "A", "a\0", "a\n", "a\t"),
        *("ro", "rw", "shared", "projects", "home", "trash", "none", "a" * 41, "a" * 300),
        *("d\u0430ta", "dаtа", "ﬁle", "ｄata", "café", "\u202edata", "con\u00a0", "🙂"),  # noqa: RUF001
    ],
)
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(BadLink):
        check_name(name)


def test_names_are_taken_once() -> None:
    for name in ("data", "id1"):
        with pytest.raises(Conflict):
            check_free(name, ALL)


@pytest.mark.parametrize("name", ["", " ", "a/b", "a\nb", "x" * 300, "m\u0430ria"])
def test_people_who_cannot_be(name: str) -> None:
    with pytest.raises(BadLink):
        check_person(name)


ACCESS = st.sampled_from([None, RO, RW])
WORDS = st.sampled_from(["ann", "bob", "lab", "class", "eve"])
VOLUMES = st.lists(
    st.builds(
        Volume,
        st.uuids().map(lambda id: id.hex),
        st.sampled_from(["data", "class", "x"]),
        st.sampled_from(Kind),
        WORDS,
        st.dictionaries(WORDS, st.sampled_from([RO, RW])),
        st.dictionaries(WORDS, st.sampled_from([RO, RW])),
    ),
    max_size=4,
    unique_by=lambda volume: volume.id,
)
PLACES = st.one_of(st.text(max_size=12), st.sampled_from([*HOSTILE_PLACES, "a", "a/b", ""]))
REQUESTS = st.lists(st.builds(VolumeRequest, WORDS | st.just("data"), PLACES, ACCESS), max_size=4)


@given(REQUESTS, VOLUMES, WORDS, st.sets(WORDS))
def test_never_more_than_they_have(
    asked: list[VolumeRequest], volumes: list[Volume], user: str, groups: set[str]
) -> None:
    try:
        placed = resolve(asked, volumes, user, groups, project="projects/o/n")
    except BinderError:
        return
    assert len(placed) == len(asked)
    for request, one in zip(asked, placed, strict=True):
        has = access_of(one.volume, user, groups)
        assert has is RW or (has is RO and one.access is RO)
        assert request.access is not RO or one.access is RO
        assert one.volume.name == request.name or one.volume.id == request.name
        assert one.place.parts and not one.place.is_absolute() and ".." not in one.place.parts
        assert not any(part.startswith(".") for part in one.place.parts)
    for number, one in enumerate(placed):
        assert not any(
            one.place.is_relative_to(other.place) or other.place.is_relative_to(one.place)
            for other in placed[:number]
        )


@given(st.text(), st.just("") | st.just("projects/o/n"))
def test_any_place_is_inside_the_home_or_refused(text: str, project: str) -> None:
    try:
        place = check_place(text, project)
    except BadLink:
        return
    assert PurePosixPath("/h") in (PurePosixPath("/h") / place).parents
    assert ".." not in place.parts


@pytest.mark.parametrize(
    ("rules", "groups", "wanted"),
    [
        (GroupRules(), {"lab": {}}, []),
        (GroupRules({"c": {"t": RW, "s": RO}}), {"s": {}}, ["config:c c s=ro t=rw"]),
        (GroupRules({"c": {"t": RW}}), {"other": {}}, []),
        (GroupRules(pattern="lab-.*"), {"lab-1": {}, "xlab-1": {}}, ["group:lab-1 lab-1 lab-1=rw"]),
        (GroupRules(), {"L b": {"binder-volume": True}}, ["group:L b l-b L b=rw"]),
        (
            GroupRules(),
            {"lab": {"binder-volume": {"name": "../Data", "ro": ["guests", "lab"]}}},
            ["group:lab data guests=ro lab=rw"],
        ),
        (GroupRules(), {"lab": {"binder-volume": False}}, []),
        (GroupRules(), {"学": {"binder-volume": {"ro": "x"}}}, ["group:学 group 学=rw"]),
    ],
)
def test_volumes_of_groups(
    rules: GroupRules, groups: dict[str, dict[str, object]], wanted: list[str]
) -> None:
    found = [
        " ".join([v.source, v.name, *sorted(f"{g}={a}" for g, a in v.groups.items())])
        for v in rules.wanted(groups)
    ]
    assert found == wanted
