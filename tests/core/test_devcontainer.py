"""`devcontainer.json`: what it becomes, what is said of the rest, and what others may write."""

from __future__ import annotations

import json
import shlex
import subprocess
from contextlib import suppress
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binderhub_ext.core.apt import apt_words, check_packages
from binderhub_ext.core.devcontainer import DevContainer, read_devcontainer
from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.core.jsontext import parse_jsonc
from binderhub_ext.core.sentences import kept, read_kept

PATH = ".devcontainer/devcontainer.json"
MICROSOFT = "mcr.microsoft.com/devcontainers"
APT = "ghcr.io/rocker-org/devcontainer-features/apt-packages:1"
PYTHON = "ghcr.io/devcontainers/features/python:1"

# As editors make it, with what people add.
WRITTEN = """\
// For format details, see https://aka.ms/devcontainer.json.
{
    "name": "Python 3", /* of the
    course */
    "image": "mcr.microsoft.com/devcontainers/python:1-3.11-bullseye",
    "features": {
        "ghcr.io/rocker-org/devcontainer-features/apt-packages:1": {
            "packages": "graphviz, figlet,\\tgraphviz",
        },
        "ghcr.io/devcontainers/features/node:1": {},
    },
    // "postCreateCommand": "pip3 install --user -r requirements.txt",
    "postCreateCommand": "echo '//' \\"it's, ]\\" && pip install -q --user six",
    "mounts": ["source=x,target=/x"],
    "customizations": {"vscode": {"extensions": ["ms-python.python", "-a.b", ]}, },
    "remoteUser": "root", "forwardPorts": [],
}
"""


def read(said: Any) -> DevContainer:
    return read_devcontainer(PATH, json.dumps(said).encode())


def test_what_it_becomes_and_what_is_said_of_the_rest() -> None:
    read = read_devcontainer(PATH, b"\xef\xbb\xbf" + WRITTEN.encode())
    script = read.files["postBuild"]
    assert read.files == {
        "runtime.txt": "python-3.11\n",
        "apt.txt": "figlet\ngraphviz\n",
        "postBuild": script,
    }
    assert script.startswith("#!/bin/sh\nset -e\n")
    command = "echo '//' \"it's, ]\" && pip install -q six"
    assert shlex.split(script.splitlines()[-1]) == ["/bin/sh", "-c", command]
    assert [*read.notes] == [
        f"Features that {PATH} names and that are not installed: "
        "ghcr.io/devcontainers/features/node",
        f"Extensions of VS Code that {PATH} names and that are not installed: ms-python.python",
        f"What {PATH} says besides and what does not count here: mounts",
    ]
    assert [note.data for note in read_kept(kept(read.notes))] == [n.data for n in read.notes]


@pytest.mark.parametrize(
    ("image", "version"),
    [
        *((f"{MICROSOFT}/python:{tag}", "3.11") for tag in ("3.11", "1-3.11", "3-3.11-trixie")),
        ("mcr.microsoft.com/vscode/devcontainers/python:0.203.0-3.10-bullseye", "3.10"),
        (f"{MICROSOFT}/python:dev-3.12-bookworm@sha256:{'a' * 64}", "3.12"),
        *((f"{MICROSOFT}/python{tag}", "") for tag in ("", ":3", ":latest", ":1-bullseye", ":3.0")),
        ("python:3.12.4-slim-bookworm", "3.12.4"),
        ("docker.io/library/python:2.7", "2.7"),
        *((image, "") for image in ("python:3-alpine", "python", "python:slim-bookworm", "")),
    ],
)
def test_images_with_a_python(image: str, version: str) -> None:
    read_ = read({"image": image, "postCreateCommand": "true"})
    assert read_.files.get("runtime.txt", "") == (f"python-{version}\n" if version else "")
    assert "postBuild" in read_.files and not read_.notes


@pytest.mark.parametrize("image", [f"{MICROSOFT}/base:jammy", f"{MICROSOFT}/universal:2", "ubuntu"])
def test_in_place_of_a_system_is_ours(image: str) -> None:
    read_ = read({"image": image, "postCreateCommand": "true"})
    assert [*read_.files] == ["postBuild"]
    assert [f"names the image {image};" in note for note in read_.notes] == [True]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"image": f"{MICROSOFT}/typescript-node:20"}, "names the image"),
        ({"image": "python:2"}, "names the image"),
        ({"image": f"python@sha256:{'a' * 64}"}, "names the image"),
        ({"image": "example.org/python:3.11"}, "names the image"),
        ({"image": "${localEnv:IMAGE}"}, "names the image"),
        ({"build": {"dockerfile": "Dockerfile"}}, "built from Dockerfile"),
        ({"dockerFile": "../Dockerfile"}, r"built from \.\./Dockerfile"),
        ({"dockerComposeFile": ["a.yml", "b.yml"], "service": "a"}, r"built from a\.yml, b\.yml"),
    ],
)
def test_commands_for_another_image_are_not_run(said: dict[str, Any], words: str) -> None:
    commands = {"onCreateCommand": "a", "postCreateCommand": "b"}
    read_ = read({**said, **commands, "features": {APT: {"packages": "figlet"}}})
    assert [*read_.files] == ["apt.txt"]
    image, command = read_.notes
    assert words.replace("\\", "") in image
    assert command.endswith(f"another image: onCreateCommand, postCreateCommand in {PATH}")


def test_commands_run_in_their_order_as_an_editor_would(tmp_path: Any) -> None:
    said = {
        "postCreateCommand": {
            "b": "echo $0 two",
            "c": ["echo", "$HOME", "it's ${localWorkspaceFolder}"],
        },
        "updateContentCommand": 'echo "${containerWorkspaceFolder}" one; cat <<X\nhere\nX',
        "onCreateCommand": ["printf", "%s\n", "zero  ;"],
        "postStartCommand": "echo never",
    }
    script = tmp_path / "postBuild"
    script.write_text(read(said).files["postBuild"])
    done = subprocess.run(["/bin/sh", script], cwd=tmp_path, capture_output=True, text=True)
    expected = ["zero  ;", f"{tmp_path} one", "here", "/bin/sh two", f"$HOME it's {tmp_path}"]
    assert done.stdout.splitlines() == expected and not done.stderr
    script.write_text(read({"postCreateCommand": {"a": "false", "b": "echo"}}).files["postBuild"])
    failed = subprocess.run(["/bin/sh", script], cwd=tmp_path, capture_output=True)
    assert failed.returncode == 1 and not failed.stdout


@pytest.mark.parametrize(
    "command", ["sudo pip install x", "[ -f x ] && apt-get update", "apt update"]
)
def test_commands_for_root_are_not_run(command: str) -> None:
    read_ = read({"postCreateCommand": {"a": command.split(), "b": "true"}})
    assert not read_.files and "asks for root's rights" in read_.notes[0]
    assert "postBuild" in read({"postCreateCommand": "pip install apt-x; cat /usr/bin/sudo"}).files


def test_features() -> None:
    contrib = "ghcr.io/devcontainers-contrib/features/apt-packages"
    features = {
        contrib: {"packages": "figlet,cowsay", "ppas": "ppa:x/y"},
        f"{APT}@sha256:{'a' * 64}": {"packages": ""},
        PYTHON: {"version": "3.12", "installTools": False},
        "./local-feature": {},
    }
    read_ = read({"image": "python:3.11", "features": features})
    assert read_.files == {"runtime.txt": "python-3.12\n", "apt.txt": "cowsay\nfiglet\n"}
    assert read_.notes[0].endswith(f"not installed: {contrib} (ppas), ./local-feature")
    for version in ("latest", "os-provided", {"version": "none"}, {}):
        assert not read({"features": {PYTHON: version}}).notes
    assert read({"features": {PYTHON: {"version": ">=3"}}}).notes


def test_many_names_are_some() -> None:
    features = {f"x/{'y' * 100}\n{number}": {} for number in range(50)}
    (note,) = read({"features": features}).notes
    assert len(note) < 1000 and note.endswith(", …") and "\n" not in note


@pytest.mark.parametrize(
    "word",
    ["-oDir::Bin::apt=/x", "--purge", "curl=1;id", "/tmp/evil.deb", "lib*", "a\u2028b", "$(id)"],
)
def test_what_is_no_package_is_refused(word: str) -> None:
    with pytest.raises(BuildFailed, match="which is not a name of a package") as caught:
        read({"features": {APT: {"packages": f"figlet,{word}"}}})
    assert caught.value.message.startswith(f"{PATH} names ")


def test_more_packages_than_anybody_names_are_refused() -> None:
    names = " ".join(f"lib{number}" for number in range(2001))
    with pytest.raises(BuildFailed, match="2001 packages; 2000 are allowed"):
        read({"features": {APT: {"packages": names}}})


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[]", b"null", b'"x"', b"{", b'{"a": }', b"\xff{}", b"//"),
        *(b'{"image": 5}', b'{"features": []}', b'{"build": "Dockerfile"}', b'{"image": ["x"]}'),
        *(b'{"postCreateCommand": 1}', b'{"postCreateCommand": {"a": {"b": "c"}}}'),
        *(b'{"postCreateCommand": "a\\u0000b"}', b'{"postCreateCommand": ["a", "\\u0000"]}'),
        *(b'{"postCreateCommand": "\\ud800"}', b'{"postCreateCommand": ["a", 1]}'),
        b'{"features": {"%s": {"packages": ["figlet"]}}}' % APT.encode(),
        b'{"features": {%s}}' % b",".join(b'"%d": {}' % number for number in range(101)),
        b"[" * 60_000,
        b'{"name": "%s"}' % (b"x" * 70_000),
    ],
)
def test_nonsense_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(BuildFailed, match="cannot be read") as caught:
        read_devcontainer(PATH, content)
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    "content",
    [
        *(b'"\\' * 32_000, b"/*" * 32_000, b'"' * 64_000, b"/" * 64_000, b"\\" * 64_000),
        *(b"," + b" " * 60_000, b", " * 32_000, b"/* *" * 16_000),
        b'{"postCreateCommand": "%s"}' % (b"pip install " * 5_000),
        b'{"image": "%s"}' % (b"python:1-" + b"1.1-" * 15_000),
        b'{"features": {"%s": "1"}}' % (b":1" * 30_000),
    ],
)
def test_hostile_files_take_no_time(content: bytes) -> None:
    began = process_time()
    with suppress(BuildFailed):
        read_devcontainer(PATH, content)
    assert process_time() - began < 3


# --- whatever is written ------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["image", "build", "features", "postCreateCommand", "onCreateCommand", "customizations", "x"]
)
FEATURES = st.dictionaries(st.sampled_from([APT, PYTHON, "x"]), JSON)
OPTIONS = st.fixed_dictionaries({"packages": st.text()})


@given(st.dictionaries(NAMES, JSON | FEATURES | st.dictionaries(st.just(APT), OPTIONS)))
def test_it_is_read_or_refused(said: dict[str, Any]) -> None:
    try:
        read_ = read(said)
    except BuildFailed:
        return
    words = apt_words(read_.files.get("apt.txt", "").encode())
    check_packages(PATH, words)
    assert all("\0" not in text and text.encode() for text in read_.files.values())
    assert [*read_kept(kept(read_.notes))] == [*read_.notes]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_a_command_reaches_its_shell_as_it_is(command: str) -> None:
    files = read({"postCreateCommand": command}).files
    if "postBuild" in files and "--user" not in command:
        script = files["postBuild"].partition("\nexport ")[2].partition("\n")[2]
        assert shlex.split(script) == ["/bin/sh", "-c", command]


COMMENT = st.sampled_from(['/* " */', "// ]\n", "/**/", " ", "/* , } */", "\n", "//\r\n"])


@given(JSON, st.data())
def test_comments_and_last_commas_change_nothing(value: Any, data: st.DataObject) -> None:
    """They may stand between any two tokens."""

    def written(value: Any) -> str:
        between = data.draw(COMMENT)
        if isinstance(value, dict):
            items = [f"{json.dumps(name)}{between}:{written(each)}" for name, each in value.items()]
        elif isinstance(value, list):
            items = [written(each) for each in value]
        else:
            return f"{between}{json.dumps(value)}{between}"
        begin, end = "{}" if isinstance(value, dict) else "[]"
        last = f",{between}" if items and data.draw(st.booleans()) else between
        return f"{begin}{f'{between},'.join(items)}{last}{end}"

    assert parse_jsonc(written(value).encode(), 10**6) == value
