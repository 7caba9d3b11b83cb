import os
from pathlib import Path

import pytest

from conftest import POSIX
from famtree.errors import FamtreeError, NotFoundError, UsageError
from famtree.sources.reference import parse_reference
from famtree.types.checkpoint import CheckpointRef

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "repo_id", "revision", "file"),
    [
        ("org/name", "org/name", None, None),
        ("Org-1/Name_2.5-7B", "Org-1/Name_2.5-7B", None, None),
        ("  org/name\n", "org/name", None, None),
        ("gpt2", "gpt2", None, None),
        ("gpt2@main", "gpt2", "main", None),
        ("org/name@v1.0", "org/name", "v1.0", None),
        (f"org/name@{COMMIT}", "org/name", COMMIT, None),
        ("org/name@refs/pr/3", "org/name", "refs/pr/3", None),
        ("org/name@feature/new-head", "org/name", "feature/new-head", None),
        ("hf://org/name", "org/name", None, None),
        ("hf://org/name/", "org/name", None, None),
        ("hf://gpt2", "gpt2", None, None),
        ("hf://models/org/name", "org/name", None, None),
        ("hf://org/name@main", "org/name", "main", None),
        ("hf://org/name/a.gguf", "org/name", None, "a.gguf"),
        ("hf://org/name/sub/a-00001-of-2.gguf", "org/name", None, "sub/a-00001-of-2.gguf"),
        ("hf://org/name@v1/sub/a.gguf", "org/name", "v1", "sub/a.gguf"),
        ("hf://org/name@refs/pr/3/a.gguf", "org/name", "refs/pr/3", "a.gguf"),
        ("hf://org/name@refs/convert/x.y-1/a.safetensors", "org/name", "refs/convert/x.y-1",
         "a.safetensors"),
        ("hf://org/name@feature/x", "org/name", "feature/x", None),
        ("hf://org/name@feature%2Fx/a.gguf", "org/name", "feature/x", "a.gguf"),
        ("hf://org/name/x.safetensors.index.json", "org/name", None, "x.safetensors.index.json"),
    ],
)  # fmt: skip
def test_hub_forms(text: str, repo_id: str, revision: str | None, file: str | None) -> None:
    ref = parse_reference(text)
    assert ref == CheckpointRef(text=text.strip(), repo_id=repo_id, revision=revision, file=file)
    assert not ref.is_local


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "a/b/c",
        "org/",
        "/".join("abc") + "/d",
        "-org/name",
        "org/.name",
        "org/na--me",
        "org/na..me",
        "org/name.git",
        "org/n" + "a" * 96,
        "org/na me",
        "org/nämé",
        "org/name@",
        "org/name@a b",
        "org/name@a..b",
        "org/name@-x",
        "org/name@x.lock",
        "org/name\x00",
        "hf://",
        "hf://datasets/org/name",
        "hf://org/name/notes.txt",
        "hf://org/name/../a.gguf",
        "hf://org/name@/a.gguf",
        "org/name/file.gguf",
        "x" * 5000,
    ],
)
def test_bad_forms_are_usage_errors_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_reference(text)
    assert caught.value.exit_code == 2
    assert caught.value.hint


def test_hints_name_the_right_form() -> None:
    with pytest.raises(UsageError) as caught:
        parse_reference("org/name/file.gguf")
    assert "hf://org/name/file.gguf" in caught.value.hint


def test_revision_option() -> None:
    assert parse_reference("org/name", revision="v1").revision == "v1"
    assert parse_reference("org/name@v1", revision="v1").revision == "v1"
    assert parse_reference("hf://org/name/a.gguf", revision="v1").revision == "v1"
    with pytest.raises(UsageError, match=r"v1.*v2"):
        parse_reference("org/name@v1", revision="v2")
    with pytest.raises(UsageError):
        parse_reference("org/name", revision="a b")


@pytest.mark.parametrize("text", ["./no", "../no", "/no/such", "~/no-such-folder", "no.gguf",
                                  "model.safetensors", "m.safetensors.index.json"])  # fmt: skip
def test_absent_paths_are_not_found(text: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        parse_reference(text)
    assert caught.value.exit_code == 3
    assert text in caught.value.message


def test_existing_paths_are_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "org" / "name"
    folder.mkdir(parents=True)
    for name in ("a.gguf", "b.safetensors", "c.safetensors.index.json"):
        (folder / name).write_bytes(b"")
        text = f"org/name/{name}"
        assert parse_reference(text) == CheckpointRef(text=text, path=text)
    assert parse_reference("org/name").path == "org/name", "an existing folder wins over a Hub id"
    assert parse_reference("hf://org/name").repo_id == "org/name"
    assert parse_reference(".").path == "."
    assert parse_reference(str(folder)).path == str(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse_reference("~/org/name").path == str(folder)


@POSIX
def test_local_paths_that_are_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match=r"config\.json"):
        parse_reference("config.json")
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(UsageError, match="neither a folder nor a regular file"):
        parse_reference("pipe.gguf")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(NotFoundError):
        parse_reference("gone")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(FamtreeError):
        parse_reference("loop")
    with pytest.raises(UsageError, match="no revision"):
        parse_reference(".", revision="main")


def make_cached(tmp_path: Path, *commits: str, main: str | None = None) -> Path:
    folder = tmp_path / "hub" / "models--org--name"
    for commit in commits:
        (folder / "snapshots" / commit).mkdir(parents=True)
    if main is not None:
        (folder / "refs").mkdir(parents=True, exist_ok=True)
        (folder / "refs" / "main").write_text(main)
    return folder


def test_a_cached_repository_is_its_main_or_only_snapshot(tmp_path: Path) -> None:
    first, second = "a" * 40, "b" * 40
    folder = make_cached(tmp_path, first, main=first)
    assert parse_reference(str(folder)).path == str(folder / "snapshots" / first)
    assert parse_reference(f"{folder}/").path == f"{folder}/snapshots/{first}"
    make_cached(tmp_path, second)
    assert parse_reference(str(folder)).path == str(folder / "snapshots" / first)
    assert parse_reference(str(folder), revision=second).path == str(folder / "snapshots" / second)
    with pytest.raises(NotFoundError, match="holds no revision v1 of org/name"):
        parse_reference(str(folder), revision="v1")
    for broken in ("c" * 40, "../../x", "\x00"):
        (folder / "refs" / "main").write_text(broken)
        with pytest.raises(UsageError, match="holds 2 snapshots, none of which is main"):
            parse_reference(str(folder))


def test_a_cached_repository_without_snapshots_or_of_another_kind(tmp_path: Path) -> None:
    folder = make_cached(tmp_path)
    (folder / "snapshots").mkdir(parents=True)
    with pytest.raises(NotFoundError, match="holds no snapshot of org/name"):
        parse_reference(str(folder))
    other = folder.rename(folder.with_name("datasets--org--name"))
    with pytest.raises(UsageError, match="holds a dataset"):
        parse_reference(str(other))
    (other / "snapshots").rmdir()
    assert parse_reference(str(other)).path == str(other)


def test_a_gguf_without_an_ending(tmp_path: Path) -> None:
    blob = tmp_path / f"sha256-{'0' * 64}"
    blob.write_bytes(b"GGUF\x03")
    assert parse_reference(str(blob)).path == str(blob)
    blob.write_bytes(b"{}")
    with pytest.raises(UsageError, match="not a checkpoint by itself") as caught:
        parse_reference(str(blob))
    assert str(tmp_path) not in caught.value.hint, "nothing there either"
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError) as caught:
        parse_reference(str(blob))
    assert str(tmp_path) in caught.value.hint
