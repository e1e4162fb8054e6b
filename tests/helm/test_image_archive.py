"""Images made without Docker: what the archive says is what is in it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path

ARCHIVE = Path(__file__).parents[2] / "scripts" / "cluster.d" / "archive.py"


def made(place: Path, *arguments: str) -> tarfile.TarFile:
    subprocess.run([sys.executable, str(ARCHIVE), str(place), *arguments], check=True)
    return tarfile.open(place)


def read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def test_an_image_of_a_layer_and_a_program(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    layer = tmp_path / "layer.tar"
    with tarfile.open(layer, "w") as system:
        system.add(program, "etc/motd")
    options = ["--layer", str(layer), "--add", f"{program}:/run-me", "--command", "/run-me"]
    with made(tmp_path / "image.tar", "registry:5000/a/b:1", *options, "--user", "1000") as image:
        [about] = json.loads(read(image, "manifest.json"))
        assert about["RepoTags"] == ["registry:5000/a/b:1"]
        config = json.loads(read(image, about["Config"]))
        digests = [f"sha256:{hashlib.sha256(read(image, x)).hexdigest()}" for x in about["Layers"]]
        assert config["rootfs"]["diff_ids"] == digests and len(digests) == 2
        assert config["config"]["Cmd"] == ["/run-me"] and config["config"]["User"] == "1000"
        with tarfile.open(fileobj=image.extractfile(about["Layers"][1])) as ours:
            entry = ours.getmember("run-me")
            assert entry.mode == 0o755 and entry.uid == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["image.tar", "layer.tar", "program"]


def test_a_path_of_its_own(tmp_path: Path) -> None:
    with made(tmp_path / "image.tar", "a:1", "--env", "PATH=/opt/bin") as image:
        [about] = json.loads(read(image, "manifest.json"))
        assert json.loads(read(image, about["Config"]))["config"]["Env"] == ["PATH=/opt/bin"]
