import hashlib

from famtree.sources.hashes import content_key, fits, hash_blob, hash_sha256, is_blob_id, is_sha256
from famtree.types.checkpoint import FileEntry


def test_hashes_are_those_of_git_and_sha256sum() -> None:
    # `git hash-object` of an empty file and of "hello\n"; `sha256sum` of an empty file.
    assert hash_blob(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert hash_blob(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert hash_sha256(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_forms() -> None:
    assert is_blob_id("a" * 40)
    assert is_sha256("a" * 64)
    for text in ("a" * 39, "A" * 40, "g" * 40, "a" * 64, None, 5):
        assert not is_blob_id(text)
    assert not is_sha256("a" * 40)


def test_an_entry_fits_by_size_and_strongest_hash() -> None:
    data = b"weights"
    digest = hashlib.sha256(data).hexdigest()
    pointer = FileEntry("m", 7, blob_id="0" * 40, sha256=digest)
    assert content_key(pointer) == digest
    assert fits(pointer, data), "the blob id of an LFS file is that of its pointer"
    assert not fits(pointer, b"weighty")
    small = FileEntry("c", None, blob_id=hash_blob(data))
    assert content_key(small) == hash_blob(data)
    assert fits(small, data)
    assert not fits(small, b"weighty")
    assert fits(FileEntry("x"), data)
    assert not fits(FileEntry("x", 6), data)
