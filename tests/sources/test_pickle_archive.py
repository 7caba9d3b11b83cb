"""Listing PyTorch archives: sizes only, whatever their members would unpack to."""

from __future__ import annotations

import io
import zipfile

import pytest

from famtree.sources import pickle_archive
from famtree.sources.pickle_archive import Storages, list_storages


def archive(
    sizes: list[int], *, compression: int = zipfile.ZIP_STORED, prefix: str = "archive"
) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as out:
        out.writestr(f"{prefix}/data.pkl", b"cos\nsystem\n(S'exit 1'\ntR.")
        for number, size in enumerate(sizes):
            out.writestr(f"{prefix}/data/{number}", bytes(size))
        out.writestr(f"{prefix}/version", b"3\n")
    return stream.getvalue()


def look(data: bytes) -> tuple[Storages | None, int]:
    seen = []

    def read(start: int, stop: int) -> bytes:
        seen.append(stop - start)
        return data[start:stop]

    return list_storages(read, len(data)), sum(seen)


def test_storages_are_counted_without_reading_them() -> None:
    found, read = look(archive([400_000, 600_000, 8]))
    assert found == Storages(3, 1_000_008)
    assert read < 80_000


def test_a_bomb_is_only_listed() -> None:
    data = archive([50 << 20], compression=zipfile.ZIP_DEFLATED)
    assert len(data) < 100_000
    assert look(data)[0] is None


@pytest.mark.parametrize("data", [b"", b"\x80\x02" + bytes(500), b"PK\x05\x06" + bytes(18)])
def test_other_files_say_nothing(data: bytes) -> None:
    assert look(data)[0] is None


def test_damage_says_nothing() -> None:
    whole = archive([1000] * 50)
    for cut in range(0, len(whole), 997):
        assert look(whole[:cut])[0] is None
    for at in range(len(whole) - 400, len(whole)):
        look(whole[:at] + b"\xff" + whole[at + 1 :])


def test_a_stored_member_has_one_size() -> None:
    data = bytearray(archive([400, 600]))
    entry = data.rindex(b"PK\x01\x02", 0, data.rindex(b"data/1"))
    assert data[entry + 20 : entry + 28] == (600).to_bytes(4, "little") * 2
    data[entry + 24] ^= 1  # of its size, beside the one it is packed to
    assert look(bytes(data))[0] is None


def test_a_long_directory_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_archive, "MAX_READ", 5000)
    found, read = look(archive([1] * 500))
    assert found is None
    assert read <= 5000
