"""The store of artifacts: whole, once, under the hash of its content."""

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from pdm_app.documents.firmware_bundles import bundle_of
from pdm_app.domain.errors import ConflictError, InvalidInputError, UnavailableError
from pdm_app.services import artifacts
from pdm_app.services.artifacts import ArtifactStore, file_name

IMAGE = os.urandom(3_000_000)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts", bundle_of, bytes_max=8_000_000)


def file(folder: Path, content: bytes = IMAGE) -> Path:
    (folder / "upload").write_bytes(content)
    return folder / "upload"


def stored(store: ArtifactStore) -> list[Path]:
    return sorted(path for path in store.folder.rglob("*") if path.is_file())


async def test_a_file_lies_under_its_hash_and_is_what_was_sent(store: ArtifactStore, tmp_path: Path) -> None:
    found = await store.take(file(tmp_path), "gateway 2.0.swu")
    assert found.filename == "gateway_2.0.swu"
    assert found.sha256 == hashlib.sha256(IMAGE).hexdigest()
    assert found.sha1 == hashlib.sha1(IMAGE, usedforsecurity=False).hexdigest()
    assert found.md5 == hashlib.md5(IMAGE, usedforsecurity=False).hexdigest()
    path = store.path(found.sha256, len(IMAGE))
    assert path is not None
    assert path.read_bytes() == IMAGE
    assert store.path(found.sha256, len(IMAGE) + 1) is None
    assert store.path("0" * 64, 1) is None


async def test_the_same_content_is_there_once_even_when_it_comes_twice_at_once(
    store: ArtifactStore, tmp_path: Path
) -> None:
    source = file(tmp_path)
    one, two = await asyncio.gather(store.take(source, "a.bin"), store.take(source, "b.bin"))
    assert one.sha256 == two.sha256
    assert len(stored(store)) == 1


async def test_what_is_no_firmware_or_finds_no_room_leaves_nothing(store: ArtifactStore, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="is empty"):
        await store.take(file(tmp_path, b""), "a.bin")
    await store.take(file(tmp_path), "a.bin")
    before = stored(store)
    with pytest.raises(ConflictError, match="Delete drafts"):
        await store.take(file(tmp_path, bytes(6_000_000)), "b.bin")
    with pytest.raises(UnavailableError, match="could not be put"):
        await store.take(tmp_path / "gone", "c.bin")
    assert stored(store) == before


async def test_a_full_disk_is_said_and_leaves_nothing(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "FREE_BYTES_MIN", 10**18)
    with pytest.raises(UnavailableError, match="too little room"):
        await store.take(file(tmp_path), "a.bin")
    assert stored(store) == []


async def test_a_part_that_was_cut_off_is_taken_in_anew_and_left_over_ones_go(
    store: ArtifactStore, tmp_path: Path
) -> None:
    found = await store.take(file(tmp_path), "a.bin")
    path = store.path(found.sha256, len(IMAGE))
    assert path is not None
    path.write_bytes(IMAGE[:100])  # As a disk leaves it that lied about what it had written.
    (store.folder / "dead.part").write_bytes(b"x")
    again = await store.take(file(tmp_path), "a.bin")
    assert store.path(again.sha256, len(IMAGE)) == path
    await store.remove_unused([found.sha256])
    assert stored(store) == [path]
    await store.remove_unused([])
    assert stored(store) == []


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..", "a\nb.swu", "ü.bin", "a b?c#d.bin", "x" * 500 + ".swu", ".swu"]
)
def test_a_name_in_an_address_is_plain(name: str) -> None:
    plain = file_name(name)
    assert plain.replace(".", "").replace("_", "").isalnum()
    assert plain.isascii()
    assert not plain.startswith(".")
    assert 0 < len(plain) <= 120


def test_a_place_is_never_made_of_anything_but_a_hash(store: ArtifactStore) -> None:
    for wrong in ("../" + "a" * 61, "A" * 64, "", "a" * 64 + "\n"):
        with pytest.raises(ValueError, match="SHA-256"):
            store.path(wrong, 1)
