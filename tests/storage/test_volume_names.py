"""What a launch names by a volume's name is never somebody else's volume."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from binderhub_ext.core.errors import BinderError, Conflict
from binderhub_ext.core.launch import Access
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.volumes import with_member
from binderhub_ext.storage.volumes import VolumeStore


@pytest.fixture
def store(tmp_path: Path) -> VolumeStore:
    return VolumeStore(DataDirectory(tmp_path))


def test_nobody_gets_a_name_that_others_launches_remember(store: VolumeStore) -> None:
    volume = store.create("data", "ana", 1.0)
    store.change(volume.id, lambda v: with_member(v, "bob", Access.RW, 2.0))
    other = store.create("other", "eve", 1.0)
    store.change(volume.id, lambda v: replace(v, name="moved"))
    for name in ("data", "moved"):
        with pytest.raises(Conflict):
            store.create(name, "eve", 3.0)
        with pytest.raises(Conflict):
            store.change(other.id, lambda v, name=name: replace(v, name=name))
    assert store.get(other.id).name == "other"
    store.delete(volume.id, "ana", 4.0)
    with pytest.raises(Conflict, match="of somebody else"):
        store.create("moved", "eve", 5.0)
    # their own they have again
    assert [store.create(name, "ana", 6.0).name for name in ("data", "moved")] == ["data", "moved"]
    assert [each.name for each in store.all()] == ["data", "moved", "other"]


def test_no_person_fills_the_list(store: VolumeStore) -> None:
    kept = store.create("kept", "ana", 1.0)
    store.delete(kept.id, "ana", 2.0)
    volume = store.create("v", "eve", 1.0)
    for number in range(30):
        store.change(volume.id, lambda v, name=f"v{number}": replace(v, name=name))
    assert (store.layout.volumes / ".names").read_text().count("eve") == 20
    with pytest.raises(Conflict):
        store.create("kept", "eve", 3.0)
    assert store.create("v0", "bob", 3.0)


def test_no_number_of_names_is_too_many(store: VolumeStore) -> None:
    volume = store.create("v", "ana", 1.0)
    many = {
        f"a-name-of-a-volume-that-is-rather-long-{n}": f"person-{n // 20}" for n in range(80_000)
    }
    names = store.layout.volumes / ".names"
    names.write_text(json.dumps(many))
    assert names.stat().st_size > 1 << 22
    with pytest.raises(Conflict, match="of somebody else"):
        store.create(min(many), "eve", 2.0)
    store.delete(volume.id, "ana", 3.0)
    assert json.loads(names.read_text()) == {**many, "v": "ana"}


def test_a_damaged_list_is_told(store: VolumeStore) -> None:
    volume = store.create("v", "ana", 1.0)
    for content in ('{"a": "an', "[]"):
        (store.layout.volumes / ".names").write_text(content)
        with pytest.raises(BinderError, match="is damaged"):
            store.delete(volume.id, "ana", 2.0)
    assert store.get(volume.id) == volume
