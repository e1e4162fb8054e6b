"""What is asked of uv, what it is told of our environment, and what its answers mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.core.requirements import requirement_lines
from binderhub_ext.engines.local import uv
from binderhub_ext.engines.local.asked import asked_in

UNSOLVABLE = """\
error: No solution found when resolving dependencies
  cause: Because all of:
             a>=1
         depend on b>=2, we can conclude that a>=1 depends on b>=2.
         And because you require a>=1 and b<2, we can conclude that your requirements are
         unsatisfiable.
"""
COMPILING = """\
error: Failed to build `thing==1`
  cause: The build backend returned an error
  cause: Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)

         [stdout]
         running build_ext

         [stderr]
         warning: something
         error: command 'gcc' failed: No such file or directory

hint: Build failures usually indicate a problem with the package or the build environment
"""


def wanted(text: str) -> uv.Requirements:
    return uv.Requirements(("jupyterlab",), tuple(requirement_lines(text)))


@pytest.mark.parametrize(
    ("text", "trusted"),
    [
        ("", True),
        ("numpy\npandas==2 --hash=sha256:0\n--pre", True),
        ("git+https://example.org/x", False),
        ("-i https://example.org", False),
        ("x @ https://example.org/x.whl", False),
        ("-r other.txt", False),
        ("-c constraints.txt", False),
        ("-e .", False),
        ("${SECRET}", False),
        ("--extra-index-url https://${SECRET}.example.org", False),
        ("-f /data", False),
    ],
)
def test_what_our_own_uv_may_read(text: str, trusted: bool) -> None:
    assert wanted(text).trusted is trusted


def test_what_is_asked_for() -> None:
    asked = wanted("--pre\n--require-hashes\nnumpy  # a comment\n")
    assert asked.files == {"-r": "jupyterlab\n--pre\nnumpy\n", "-c": ""}
    assert not asked.prefers_wheels and wanted("--prefer-binary").prefers_wheels
    assert asked.options == ["--prerelease", "allow"]
    several = wanted("--extra-index-url=https://a.example.org/simple\n--pre")
    best = ["--index-strategy", "unsafe-best-match"]
    assert several.options == ["--prerelease", "allow", *best]
    assert asked.excludes == "rfc3987-syntax\n"
    assert wanted("RFC3987_syntax").excludes == ""


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("", False),
        ("six==1.16.0", False),
        ("six==1.16.0 --hash=sha256:0\n-i https://example.org", True),
        ("six==1.16.0 --hash=sha256:0\nidna", False),
    ],
)
def test_where_an_index_has_no_say(text: str, fixed: bool) -> None:
    assert wanted(text).fixed is fixed
    assert replace(wanted(text), locked=True).fixed


ONE_VERSION = [
    *("idna==3.1", "idna===3.1", "idna == v3.1", "idna  ==  3.1.0", "Idna (==0!3.1)"),
    *("idna[x, y]==3.1", "idna==3.1 ; python_version > '3'", "idna==3.1\t"),
]
SEVERAL_VERSIONS = [
    *("idna", "idna==3.*", "idna==3.1,==3.1", "idna==3.1,>=3", "idna>=3.1", "idna~=3.1"),
]


@pytest.mark.parametrize("line", ONE_VERSION)
@pytest.mark.parametrize("option", ["--hash=sha256:0", "--hash sha256:0"])
def test_what_is_installed_anew_to_be_checked(line: str, option: str, tmp_path: Path) -> None:
    """uv leaves what is installed as it is, in whatever way its version is written."""
    pinned = asked_in("requirements.txt", f"{line} {option}".encode(), (), tmp_path, lambda _: None)
    assert pinned.checked == pinned.lines and pinned.checked_in({"idna", "six"}) == ["idna"]
    assert wanted(line).checked == ()


@pytest.mark.parametrize("line", SEVERAL_VERSIONS)
def test_hashes_that_uv_would_not_check_are_refused(line: str, tmp_path: Path) -> None:
    limits = {"limits.txt": f"{line} --hash=sha256:0".encode()}
    for content in (limits["limits.txt"], b"idna\n-c limits.txt"):
        with pytest.raises(BuildFailed, match=r"says hashes of idna .* as in idna==1\.0\."):
            asked_in("requirements.txt", content, (), tmp_path, limits.get)


def test_who_wants_hashes_of_everything_gets_nothing_without(tmp_path: Path) -> None:
    pinned = "idna==3.1 --hash=sha256:0\n"
    files = {"limits.txt": pinned.encode()}

    def asked(text: str) -> uv.Requirements:
        content = f"--require-hashes\n{text}".encode()
        return asked_in("requirements.txt", content, (), tmp_path, files.get)

    assert len(asked(f"{pinned}--pre").lines) == 3
    assert asked("-c limits.txt\nidna").lines
    with pytest.raises(BuildFailed, match=r"everything .* says none of cowsay, six\."):
        asked(f"{pinned}six==1.16.0\ncowsay")


def test_installing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(uv, "SETTINGS", tmp_path / "uv.toml")
    argv = uv.install(Path("/e"), ["-r", "r.txt", "."], link=uv.LINK, build=False)
    assert " ".join(argv[1:]) == (
        "pip install --no-config --python /e/bin/python --link-mode hardlink --no-build -r r.txt ."
    )


@pytest.mark.parametrize(("mode", "foreign"), [(0o644, True), (0o600, False)])
def test_settings_of_the_machine(
    mode: int, foreign: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They count, for strangers only if everybody may read them; those in folders never do."""
    settings = tmp_path / "uv.toml"
    monkeypatch.setattr(uv, "SETTINGS", settings)
    settings.touch()
    settings.chmod(mode)
    tmp_path.chmod(0o755)
    assert str(settings) in uv.venv("python", Path("/e"))
    argv = uv.install(Path("/e"), [], link=uv.COPY, build=True, foreign=True)
    assert (str(settings) in argv, "--no-config" in argv) == (foreign, not foreign)


@pytest.mark.parametrize(
    ("name", "value", "trusted", "foreign"),
    [
        ("UV_DEFAULT_INDEX", "https://example.org/simple", True, True),
        ("UV_DEFAULT_INDEX", "https://me:secret@example.org/simple", True, False),
        ("https_proxy", "http://me:secret@proxy:3128", True, False),
        ("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt", True, True),
        ("SSL_CERT_FILE", "/root/own.pem", True, False),
        ("JUPYTERHUB_API_TOKEN", "x", False, False),
        ("UV_PUBLISH_TOKEN", "x", False, False),
        ("UV_INDEX_COMPANY_PASSWORD", "x", False, False),
        ("AWS_SECRET_ACCESS_KEY", "x", False, False),
        ("PYTHONPATH", "/x", False, False),
        ("LD_PRELOAD", "/x", False, False),
    ],
)
def test_what_of_our_environment_is_passed(
    name: str, value: str, trusted: bool, foreign: bool
) -> None:
    assert (name in uv.passed_environment({name: value}, foreign=False)) is trusted
    assert (name in uv.passed_environment({name: value}, foreign=True)) is foreign


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (UNSOLVABLE, "a ≥ 1 needs b ≥ 2; you ask for b < 2."),
        ("error: Failed to build `x`\n  cause: It broke\nhint: no", "failed: It broke."),
        (COMPILING, "Building thing==1 failed: error: command 'gcc' failed: No such file"),
        ("something else", ""),
    ],
)
def test_words(said: str, words: str) -> None:
    assert words in uv.explain(said)
    assert bool(uv.explain(said)) is bool(words)
