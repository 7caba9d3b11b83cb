"""What people paste: each row of addresses, names of other places, and what they stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from famtree.errors import NotFoundError, UsageError
from famtree.sources.hub import HubSource
from famtree.sources.pasted import read_dataset
from famtree.sources.reference import find_repository, parse_reference
from hub.server import HubServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
Named = tuple[str, str | None, str | None, str | None]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)


def read(text: str, **more: str) -> Named:
    ref = parse_reference(text, **more)
    assert ref.text == text.strip()
    return ref.repo_id or "", ref.revision, ref.file, ref.quant


@pytest.mark.parametrize("host", ["https://huggingface.co", "http://hf.co", "huggingface.co",
                                  "HTTPS://www.HuggingFace.co", "https://hf.co:443"])  # fmt: skip
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("org/name", ("org/name", None, None, None)),
        ("org/name/", ("org/name", None, None, None)),
        ("org/name?library=transformers#usage", ("org/name", None, None, None)),
        ("models/org/name", ("org/name", None, None, None)),
        ("gpt2", ("gpt2", None, None, None)),
        ("gpt2/tree/main", ("gpt2", "main", None, None)),
        ("org/name.git", ("org/name", None, None, None)),
        ("org/name@v1", ("org/name", "v1", None, None)),
        ("org/name/tree/main", ("org/name", "main", None, None)),
        ("org/name/tree/refs%2Fpr%2F3", ("org/name", "refs/pr/3", None, None)),
        ("org/name/tree/refs/pr/3", ("org/name", "refs/pr/3", None, None)),
        ("org/name/tree/feature%2Fx", ("org/name", "feature/x", None, None)),
        (f"org/name/commit/{COMMIT}", ("org/name", COMMIT, None, None)),
        ("org/name/commits/v2", ("org/name", "v2", None, None)),
        ("org/name/discussions/4", ("org/name", None, None, None)),
        ("org/name/blob/main/a-Q6_K.gguf", ("org/name", "main", "a-Q6_K.gguf", None)),
        ("org/name/blob/v1/q/a.safetensors", ("org/name", "v1", "q/a.safetensors", None)),
        ("org/name/resolve/v1/a.gguf?download=true", ("org/name", "v1", "a.gguf", None)),
        ("org/name/resolve/main/a%20b.gguf", ("org/name", "main", "a b.gguf", None)),
        ("org/name/raw/main/config.json", ("org/name", "main", None, None)),
        ("org/name/blob/main/pytorch_model.bin", ("org/name", "main", None, None)),
        ("org/name?show_file_info=a.gguf", ("org/name", None, "a.gguf", None)),
        ("org/name/a.gguf", ("org/name", None, "a.gguf", None)),
        ("api/models/org/name/revision/v1", ("org/name", "v1", None, None)),
        ("org/name:Q4_K_M", ("org/name", None, None, "Q4_K_M")),
        ("org/name:latest", ("org/name", None, None, None)),
        ("org/name:a-IQ3_M.gguf", ("org/name", None, "a-IQ3_M.gguf", None)),
    ],
)  # fmt: skip
def test_addresses_of_the_hub(host: str, path: str, expected: Named) -> None:
    assert read(f"{host}/{path}") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("org/name/", ("org/name", None, None, None)),
        ("org/name:Q4_K_M", ("org/name", None, None, "Q4_K_M")),
        ("org/name:UD-Q4_K_XL", ("org/name", None, None, "UD-Q4_K_XL")),
        ("git@hf.co:org/name", ("org/name", None, None, None)),
        ("pkg:huggingface/org/name", ("org/name", None, None, None)),
        (f"pkg:huggingface/org/name@{COMMIT}", ("org/name", COMMIT, None, None)),
        ("pkg:huggingface/gpt2@v1?x=y#a.gguf", ("gpt2", "v1", "a.gguf", None)),
        ("PKG:HuggingFace/org/Name", ("org/Name", None, None, None)),
        ("pkg:huggingface/org/name?repository_url=https://hf.co", ("org/name", None, None, None)),
    ],
)
def test_other_forms(text: str, expected: Named) -> None:
    assert read(text) == expected


def test_addresses_of_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    own = "http://hub.acme:8080/hf/"
    assert read(f"{own}org/name/tree/v1", endpoint=own) == ("org/name", "v1", None, None)
    monkeypatch.setenv("HF_ENDPOINT", "http://localhost:5000")
    assert read("localhost:5000/org/name")[0] == "org/name"
    assert read("https://huggingface.co/org/name")[0] == "org/name", "which the endpoint is asked"
    with pytest.raises(UsageError, match=r"an address of hub\.acme"):
        parse_reference("http://hub.acme/org/name")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://huggingface.co/datasets/org/name", "is a dataset, not a model"),
        ("https://huggingface.co/spaces/org/name", "is a Space, not a model"),
        ("datasets/org/name", "is a dataset"),
        ("spaces/org/name", "is a Space"),
        ("hf://datasets/org/name", "is a dataset"),
        ("hf://spaces/org/name", "is a Space"),
        ("https://huggingface.co/docs/transformers", "is a page of the Hub"),
        ("https://huggingface.co", "is a page of the Hub"),
        ("https://huggingface.co/org/name/unheard-of/x", "is a page of the Hub"),
        ("https://huggingface.co/org/name/tree/main/sub", "is a folder of org/name@main"),
        ("llama3:8b", "a name of Ollama's library"),
        ("llama3.1:8b-instruct-q4_K_M", "a name of Ollama's library"),
        ("user/model:latest", "a name of Ollama's library"),
        ("ollama://llama3", "a name of Ollama's library"),
        ("https://ollama.com/library/llama3:8b", "a name of Ollama's library"),
        ("registry.ollama.ai/library/llama3:8b", "a name of Ollama's library"),
        ("modelscope://org/name", "is on ModelScope"),
        ("https://www.modelscope.cn/models/org/name", "is on ModelScope"),
        ("modelscope.cn/org/name", "is on ModelScope"),
        ("s3://bucket/model", "an address of an object store"),
        ("gs://bucket/model", "an address of an object store"),
        ("oci://registry/model:1", "an image of a container registry"),
        ("file:///srv/model", "an address of a file"),
        ("ftp://host/model", "an address of another kind (ftp)"),
        ("https://github.com/org/name", "an address of github.com"),
        ("pkg:pypi/famtree", "a package of type pypi"),
        ("pkg:huggingface/a/b?repository_url=https://elsewhere.example", "on another hub"),
        ("https://me:pw@huggingface.co/org/name", "has a user name or a password"),
        ("https://[::1/org/name", "an address of no host"),
    ],
)
def test_what_is_no_model_on_the_hub_is_named(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_reference(text)
    assert told in caught.value.message
    assert caught.value.exit_code == 2
    assert caught.value.hint
    assert "pw" not in caught.value.message


@pytest.mark.parametrize(
    "text",
    ["https://hf.co/org/name/blob/main/../../x.gguf", "https://hf.co/../name", "https://hf.co/-o/n",
     "https://hf.co/org/na--me", "hf.co/org/name:", "hf.co/org/name:a b", "pkg:huggingface/",
     "https://hf.co/org/name/tree/a..b", "pkg:huggingface/org/name@", "org/name:x/y"],
)  # fmt: skip
def test_hostile_addresses_are_usage_errors(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_reference(text)
    assert caught.value.hint


def test_the_hint_of_a_file_address_is_its_path() -> None:
    with pytest.raises(UsageError) as caught:
        parse_reference("file:///srv/my%20model")
    assert caught.value.hint == "write /srv/my model"


def test_a_revision_is_given_once() -> None:
    with pytest.raises(UsageError, match="names revision v1"):
        parse_reference("https://hf.co/org/name/tree/v1", revision="v2")


def test_what_a_reference_is_called_on_the_hub() -> None:
    assert find_repository("https://hf.co/org/name/tree/v1") == "org/name"
    assert find_repository("pkg:huggingface/org/name") == "org/name"
    assert find_repository("./absent") == "./absent"


NAMES = ["m-Q4_K_M.gguf", "m-Q4_K_S.gguf", "m-Q8_0-00001-of-00002.gguf",
         "m-Q8_0-00002-of-00002.gguf", "BF16/m-BF16.gguf", "mmproj-f16.gguf"]  # fmt: skip


@pytest.mark.parametrize(
    ("quant", "file"),
    [
        ("Q4_K_M", "m-Q4_K_M.gguf"),
        ("q4_k_s", "m-Q4_K_S.gguf"),
        ("Q8_0", "m-Q8_0-00001-of-00002.gguf"),
        ("BF16", "BF16/m-BF16.gguf"),
    ],
)
def test_a_conversion_is_found(hub: HubServer, quant: str, file: str) -> None:
    hub.add("org/name", dict.fromkeys(NAMES, b"GGUF"))
    source = HubSource(parse_reference(f"hf.co/org/name:{quant}"))
    source.list_files()
    assert source.ref.file == file


def test_a_conversion_that_is_not_there(hub: HubServer) -> None:
    hub.add("org/name", dict.fromkeys(NAMES, b"GGUF"))
    for quant in ("Q6_K", "F16"):
        with pytest.raises(NotFoundError, match=f"no GGUF file of {quant}") as caught:
            HubSource(parse_reference(f"hf.co/org/name:{quant}")).list_files()
        assert "m-Q4_K_M.gguf" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://huggingface.co/datasets/acme/registry", "acme/registry"),
        ("hf.co/datasets/acme/registry/", "acme/registry"),
        (
            "https://hf.co/datasets/acme/registry/tree/refs%2Fpr%2F1?x=y#z",
            "acme/registry@refs/pr/1",
        ),
        ("https://hub.example/hf/datasets/acme/registry", "acme/registry"),
        ("https://huggingface.co/acme/registry", None),
        ("https://huggingface.co/datasets/acme", None),
        ("https://huggingface.co/datasets/acme/registry/blob/main/a.toml", None),
        ("https://huggingface.co.evil.example/datasets/acme/registry", None),
        ("./datasets/acme/registry", None),
    ],
)
def test_pages_of_data_sets(text: str, name: str | None) -> None:
    assert read_dataset(text, "https://hub.example/hf") == name
