from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from time import process_time

import pytest

from families import make_registry
from famtree.errors import NotFoundError, UsageError
from famtree.policy.load import Demand, load_policy
from famtree.registry.load import load_registry
from famtree.sources.reference import parse_reference

HEAD = 'schema = "famtree/policy/1"\n'


def load(folder: Path, text: str | bytes) -> list[Demand]:
    path = folder / "famtree.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_policy(path, make_registry()).demands


def test_defaults_fill_what_a_checkpoint_does_not_say(tmp_path: Path) -> None:
    first, second = load(
        tmp_path,
        HEAD
        + '[defaults]\nmin_confidence = 0.9\nexpect = "oak"\n'
        + '[[checkpoint]]\nref = "a/b"\n[[checkpoint]]\nexpect = "oak/oak-2"\nref = "a/c"\n',
    )
    assert (first.policy.expect, first.policy.min_confidence) == ("oak", 0.9)
    assert (second.policy.expect, second.policy.min_confidence) == ("oak/oak-2", 0.9)
    assert (first.line, second.line) == (6, 9)


def test_paths_begin_at_the_policy_file(tmp_path: Path) -> None:
    [demand] = load(tmp_path, HEAD + '[[checkpoint]]\nref = "./model"\nexpect = "oak"\n')
    assert demand.ref == str(tmp_path / "model")
    assert demand.policy.ref == "./model"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "schema"),
        (HEAD, "checkpoint"),
        (HEAD + "checkpoint = []\n", "checkpoint"),
        (HEAD + '[[checkpoint]]\nref = "a/b"\nexpct = "oak"\n', "4: checkpoint.0.expct"),
        (HEAD + '[[checkpoint]]\nref = "a/b"\nexpect = "aok"\n', "did you mean"),
        (HEAD + '[[checkpoint]]\nref = "a/b"\nexpect = "oak/oak-9"\n', "oak-9"),
        (HEAD + '[[checkpoint]]\nref = "a/b"\nallow_families = ["oak", "elk"]\n', "elk"),
        (HEAD + '[[checkpoint]]\nref = "a/b"\nmin_confidence = 2\n', "min_confidence"),
        (HEAD + '[[checkpoint]]\nref = "a/b"\nmin_confidence = "0.9"\n', "min_confidence"),
        (HEAD + '[[checkpoint]]\nref = "a/b"\nmax_status = "good"\n', "max_status"),
        (HEAD + '[[checkpoint]]\nref = "a b c"\nexpect = "oak"\n', "3: checkpoint.0.ref"),
        (HEAD + '[[checkpoint]]\nref = "a/b"\n', "nothing is demanded"),
        (HEAD + '[defaults]\nexpect = "aok"\n[[checkpoint]]\nref = "a/b"\n', "3: defaults.expect"),
        ("schema = 1\ncheckpoint = 3\n", "schema"),
        ("x = [", "not TOML"),
        ("x = " + "[" * 100_000, "not TOML"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_faulty_policy_is_a_usage_error(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    assert told in caught.value.message


def test_many_faults_are_told_at_once_within_bounds(tmp_path: Path) -> None:
    row = '[[checkpoint]]\nref = "a/b"\nexpect = "aok"\n'
    with pytest.raises(UsageError, match=r"and more$"):
        load(tmp_path, HEAD + row * 25)


def test_a_path_is_never_taken_for_a_hub_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    row = '[[checkpoint]]\nref = "./org/name"\nexpect = "oak"\n'
    (tmp_path / "policies").mkdir()
    for path in (Path("famtree.toml"), Path("policies", "famtree.toml")):
        path.write_text(HEAD + row)
        [demand] = load_policy(path, make_registry()).demands
        assert demand.ref == f"./{(path.parent / 'org/name').as_posix()}"
        with pytest.raises(NotFoundError):
            parse_reference(demand.ref)


_MANY = {
    "checkpoints": '[[checkpoint]]\nref = "a/b"\nexpect = "llama"\n' * 5000,
    "typing errors": '[[checkpoint]]\nref = "a/b"\nexpect = "lama"\n' * 5000,
    "unknown families": '[[checkpoint]]\nref = "a/b"\ndeny_families = ['
    + ",".join(f'"x{number}"' for number in range(50_000)) + "]",
    "unknown keys": '[[checkpoint]]\nref = "a/b"\n' + "".join(f"k{n} = 1\n" for n in range(50_000)),
    "a dotted key": "a" + ".a" * 40_000 + " = 1",
    "a quoted key": "x = {" + '"\\"" . ' * 40_000 + "a = 1}",
    "a table": "[a" + ". 'a'" * 40_000 + "]",
}  # fmt: skip


@pytest.mark.parametrize("name", _MANY)
def test_no_policy_takes_long(tmp_path: Path, name: str) -> None:
    path = tmp_path / "famtree.toml"
    path.write_text(HEAD + _MANY[name])
    registry = load_registry()  # of as many families as typing errors are compared with
    started = process_time()
    with nullcontext() if name == "checkpoints" else pytest.raises(UsageError):
        load_policy(path, registry)
    assert process_time() - started < 2.5


def test_sentences_are_no_keys(tmp_path: Path) -> None:
    text = (
        "# " + "a.b.c and " * 99 + "e. g." * 9 + '\n[[checkpoint]]\nref = "a/b"\nexpect = "oak"\n'
    )
    assert len(load(tmp_path, HEAD + text)) == 1


@pytest.mark.parametrize("name", ["absent.toml", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_policy(tmp_path / name, make_registry())


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="bytes"):
        load(tmp_path, HEAD + "#" * (5 << 20))
