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
        "https://huggingface.co/org/name",
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
        parse_reference("https://huggingface.co/org/name/tree/main")
    assert caught.value.hint == "write org/name"
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
