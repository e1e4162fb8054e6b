"""Archives that mean harm, and those that do not."""

from __future__ import annotations

import io
import stat
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binderhub_ext.core.errors import BinderError, NotAllowed, RepoUnavailable, TooLarge
from binderhub_ext.repos import unpack
from binderhub_ext.repos.archives import _unpacked
from binderhub_ext.repos.packing import common_directory

PATHS = [
    ("a", "a"),
    ("a/b.txt", "a/b.txt"),
    ("./a//b/", "a/b"),
    ("é\n", "é\n"),
    ("a\\b", "a\\b"),
    ("/etc/passwd", None),
    ("//a", None),
    ("../a", None),
    ("a/../../b", None),
    ("a/..", None),
    ("", None),
    (".", None),
    ("a\0b", None),
    ("a" * 5000, None),
]


@pytest.mark.parametrize(("name", "path"), PATHS)
def test_safe_path(name: str, path: str | None) -> None:
    assert unpack.safe_path(name) == path


@given(st.text(st.sampled_from("./\\ab\0"), max_size=12))
def test_a_safe_path_never_leaves(name: str) -> None:
    path = unpack.safe_path(name)
    if path is not None:
        root = Path("/root/project")
        assert (root / path).is_relative_to(root) and ".." not in Path(path).parts


@pytest.mark.parametrize("path", [".git/config", "a/.GIT/x", "git~1/x", ".git ./x", ".g\u200cit/x"])
def test_git_is_no_content(path: str) -> None:
    assert not unpack.is_content(path)


@pytest.mark.parametrize("path", [".gitignore", "a/.github/x", "git/x", "a.git", ".git数据/x"])
def test_what_only_begins_like_it_is_content(path: str) -> None:
    assert unpack.is_content(path)


@pytest.mark.parametrize(
    ("path", "target", "inside"),
    [
        ("a", "b", True),
        ("a/b", "../c", True),
        ("a", "../b", False),
        ("a/b", "../../c", False),
        ("a", "/etc/passwd", False),
        ("a", "..", False),
        ("a", "", False),
    ],
)
def test_links(path: str, target: str, inside: bool) -> None:
    assert unpack.leads_inside(path, target) is inside


def test_common_directory() -> None:
    assert common_directory(["a/b", "a/c/d"]) == "a/"
    assert common_directory(["a/b", "c/d"]) == common_directory(["a"]) == common_directory([]) == ""


def archive(**members: bytes) -> bytes:
    return zipped([(zipfile.ZipInfo(name), content) for name, content in members.items()])


def zipped(members: list[tuple[zipfile.ZipInfo, bytes]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as container:
        for info, content in members:
            info.compress_type = zipfile.ZIP_DEFLATED
            container.writestr(info, content)
    return file.getvalue()


def member(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


async def unpacked(tmp_path: Path, content: bytes, files: int = 100, size: int = 10**6) -> object:
    (tmp_path / "x.zip").write_bytes(content)
    (tmp_path / "into").mkdir()
    return await _unpacked(tmp_path / "x.zip", tmp_path / "into", files, size)


async def test_modes(tmp_path: Path) -> None:
    content = zipped(
        [
            (member("run", stat.S_IFREG | 0o755), b"#!"),
            (member("d/", stat.S_IFDIR | 0o755), b""),
            (member("link", stat.S_IFLNK | 0o777), b"run"),
            (member("pipe", stat.S_IFIFO | 0o644), b""),
            (member(".git/hooks/x", stat.S_IFREG | 0o755), b"evil"),
            (member("plain", 0), b"1"),
        ]
    )
    assert await unpacked(tmp_path, content) == [
        [0, "run", "100755"],
        [1, "link", "120000"],
        [2, "plain", "100644"],
    ]
    assert sorted(path.name for path in (tmp_path / "into").iterdir()) == ["0", "1", "2"]


HARM: list[tuple[str, bytes, type[BinderError]]] = [
    ("absolute", archive(**{"/etc/x": b"1"}), NotAllowed),
    ("parent", archive(**{"a": b"1", "../x": b"1"}), NotAllowed),
    ("link-out", zipped([(member("l", stat.S_IFLNK), b"/etc")]), NotAllowed),
    ("long-link", zipped([(member("l", stat.S_IFLNK), b"a" * 10_000)]), NotAllowed),
    ("bomb", archive(a=b"\0" * 5_000_000), TooLarge),
    ("many", zipped([(zipfile.ZipInfo(str(n)), b"") for n in range(1500)]), TooLarge),
    ("cut", archive(a=b"1")[:-30], RepoUnavailable),
    ("no-zip", b"PK\x03\x04 nonsense", RepoUnavailable),
    ("bad-data", archive(a=b"x" * 100).replace(b"x", b"y")[:30] + b"\xff" * 500, RepoUnavailable),
]


@pytest.mark.parametrize(("content", "error"), [h[1:] for h in HARM], ids=[h[0] for h in HARM])
async def test_harm(tmp_path: Path, content: bytes, error: type[BinderError]) -> None:
    with pytest.raises(error) as caught:
        await unpacked(tmp_path, content)
    assert caught.value.message.endswith(".")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["into", "x.zip"]


async def test_names_that_would_fill_memory(tmp_path: Path) -> None:
    """Each is as long as a name may be, and there are no more files than are allowed."""
    content = zipped([(zipfile.ZipInfo(f"{n}{'a' * 4000}"), b"") for n in range(5000)])
    with pytest.raises(TooLarge):
        await unpacked(tmp_path, content, files=10_000)


# ---- tar


def tarred(members: list[tuple[str, bytes, dict[str, object]]], kind: str = "w:gz") -> bytes:
    """A tar of names, contents and further facts of each member."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=kind) as container:  # type: ignore[call-overload]
        for name, content, facts in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for fact, value in facts.items():
                setattr(info, fact, value)
            container.addfile(info, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize("kind", ["w", "w:gz", "w:bz2", "w:xz"])
async def test_a_tar_of_every_kind(tmp_path: Path, kind: str) -> None:
    content = tarred(
        [
            ("./", b"", {"type": tarfile.DIRTYPE}),
            ("./run", b"#!", {"mode": 0o755}),
            ("./link", b"", {"type": tarfile.SYMTYPE, "linkname": "run"}),
            ("./same", b"", {"type": tarfile.LNKTYPE, "linkname": "./run"}),
            ("./pipe", b"", {"type": tarfile.FIFOTYPE}),
            ("./disk", b"", {"type": tarfile.BLKTYPE}),
            ("./.git/hooks/x", b"evil", {"mode": 0o755}),
            ("./d/plain", b"1", {}),
        ],
        kind,
    )
    assert await unpacked(tmp_path, content) == [
        [0, "run", "100755"],
        [1, "link", "120000"],
        [2, "same", "100755"],
        [3, "d/plain", "100644"],
    ]
    written = [(tmp_path / "into" / str(number)).read_bytes() for number in range(4)]
    assert written == [b"#!", b"run", b"#!", b"1"]


def less_than_nothing(kind: bytes) -> bytes:
    """A tar with a member that says it has less than no bytes, before what is too large."""
    whole = bytearray(tarred([("a", b"", {"type": kind}), ("b", b"\0" * 2 * 10**6, {})], "w"))
    whole[124:136] = tarfile.itn(-(2**40), 12, tarfile.GNU_FORMAT)  # type: ignore[attr-defined]
    whole[148:156] = b" " * 8
    whole[148:156] = b"%06o\0 " % sum(whole[:512])
    return bytes(whole)


BAD_TARS: list[tuple[str, bytes, type[BinderError]]] = [
    ("absolute", tarred([("/etc/passwd", b"x", {})]), NotAllowed),
    ("climbing", tarred([("a/../../b", b"x", {})]), NotAllowed),
    ("climbing folder", tarred([("../a", b"", {"type": tarfile.DIRTYPE})]), NotAllowed),
    (
        "link out",
        tarred([("a", b"", {"type": tarfile.SYMTYPE, "linkname": "../x"})]),
        NotAllowed,
    ),
    (
        "second name of a file of the machine",
        tarred([("a", b"", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"})]),
        NotAllowed,
    ),
    (
        "second name of what was left out",
        tarred(
            [
                (".git/config", b"x", {}),
                ("a", b"", {"type": tarfile.LNKTYPE, "linkname": ".git/config"}),
            ]
        ),
        NotAllowed,
    ),
    ("bomb", tarred([("a", b"\0" * 2 * 10**6, {})]), TooLarge),
    ("bomb that would be left out", tarred([(".git/a", b"\0" * 2 * 10**6, {})]), TooLarge),
    ("less than nothing", less_than_nothing(tarfile.DIRTYPE), RepoUnavailable),
    ("a device of less than nothing", less_than_nothing(tarfile.CHRTYPE), RepoUnavailable),
    ("many", tarred([(f"f{number}", b"", {}) for number in range(200)]), TooLarge),
    ("cut", tarred([("a", b"1" * 50_000, {})])[:-40], RepoUnavailable),
    ("no archive", b"<html>" * 200, RepoUnavailable),
    ("bytes of gzip and nothing", b"\x1f\x8b" + b"\0" * 600, RepoUnavailable),
]


@pytest.mark.parametrize(
    ("content", "error"), [row[1:] for row in BAD_TARS], ids=[r[0] for r in BAD_TARS]
)
async def test_a_tar_that_means_harm(
    tmp_path: Path, content: bytes, error: type[BinderError]
) -> None:
    with pytest.raises(error):
        await unpacked(tmp_path, content)


@given(st.binary(max_size=400), st.integers(0, 1500), st.integers(0, 255))
def test_a_tar_with_other_bytes_ends_in_a_status(extra: bytes, at: int, byte: int) -> None:
    """Never in a traceback, and never outside of its folder."""
    whole = bytearray(tarred([("a/b", b"1" * 300, {}), ("c", b"2", {})], "w"))
    whole[at] = byte
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "x").write_bytes(bytes(whole) + extra)
        (place / "into").mkdir()
        try:
            list(unpack.unpack(place / "x", place / "into", 100, 10**6))
        except unpack._BROKEN:
            pass
        except OSError as error:
            assert not error.errno
        except unpack._Refused as refusal:
            assert refusal.args[0] in (unpack.HOSTILE, unpack.TOO_LARGE, unpack.DAMAGED)
        assert {path.name for path in place.iterdir()} == {"x", "into"}
