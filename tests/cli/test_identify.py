from __future__ import annotations

from types import SimpleNamespace

import pytest

from cli.commands import Command, FakeApi
from famtree.errors import (
    AccessError,
    ConfigError,
    DeadlineError,
    FamtreeError,
    FetchError,
    HeaderError,
    NetworkError,
    NotFoundError,
    OfflineError,
    PolicyError,
    RegistryError,
    TokenizerError,
    UnreadableError,
    UsageError,
)
from famtree.types.lineage import Lineage, LineageEdge
from famtree.types.proof_options import USUAL
from results import make_ambiguous, make_result, make_unknown

pytestmark = pytest.mark.usefixtures("fake_registry")
REF = "acme/oak-2-8b-chat"


def test_report_is_on_stdout_and_nothing_on_stderr(command: Command, fake_api: FakeApi) -> None:
    fake_api.answer = make_result()
    done = command("identify", REF)
    assert done.code == 0
    assert "Oak 2" in done.out
    assert done.err == ""


def test_json_is_the_document(command: Command, fake_api: FakeApi) -> None:
    fake_api.answer = make_result()
    done = command("identify", REF, "--json")
    assert done.code == 0
    assert done.document == make_result().to_document()
    assert done.document["schema"] == "famtree/identification/1"
    assert list(done.document) == sorted(done.document)
    assert done.err == ""


def test_verbose_adds_evidence(command: Command, fake_api: FakeApi) -> None:
    fake_api.answer = make_result()
    assert "architecture.vocab_rows" not in command("identify", REF).out
    assert "architecture.vocab_rows" in command("identify", REF, "--verbose").out


def test_options_reach_the_api(command: Command, fake_api: FakeApi) -> None:
    fake_api.answer = make_result()
    command("identify", REF)
    command("identify", REF, "--offline", "--verify", "--revision", "main", "--timeout", "9")
    (plain, asked) = fake_api.calls
    assert plain[0] == asked[0] == (REF,)
    del plain[1]["on_progress"], asked[1]["on_progress"]
    assert plain[1] == {
        "revision": None,
        "offline": False,
        "verify": False,
        "atlas": None,
        "roots": True,
        "registry": (),
        "proof": USUAL,
        "timeout": None,
    }
    assert asked[1] == {
        "revision": "main",
        "offline": True,
        "verify": True,
        "registry": (),
        "proof": USUAL,
        "timeout": 9.0,
        "atlas": None,
        "roots": True,
    }


@pytest.mark.parametrize("outcome", [make_ambiguous, make_unknown])
@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["text", "json"])
def test_doubt_is_an_answer_when_nothing_is_asked(
    command: Command, fake_api: FakeApi, outcome: type, as_json: list[str]
) -> None:
    fake_api.answer = outcome()
    assert command("identify", REF, *as_json).code == 0


MET = [
    (make_result, ["--expect", "oak"]),
    (make_result, ["--expect", "oak/oak-2"]),
    (make_result, ["--min-confidence", "0.97"]),
    (make_result, ["--min-confidence", "0"]),
    (make_ambiguous, ["--expect", "oak"]),
]
FAILED = [
    (make_result, ["--expect", "elm"], "expected elm, got oak/oak-2"),
    (make_result, ["--expect", "oak/oak-1"], "expected oak/oak-1, got oak/oak-2"),
    (make_result, ["--min-confidence", "0.98"], "confidence 0.97 is below the asked-for 0.98"),
    (
        make_result,
        ["--expect", "oak", "--min-confidence", "1"],
        "confidence 0.97 is below the asked-for 1",
    ),
    (
        make_ambiguous,
        ["--expect", "oak/oak-2"],
        "expected oak/oak-2, got an ambiguous answer (oak/oak-2 or oak/oak-1)",
    ),
    (
        lambda: make_ambiguous(generation=make_result().generation),
        ["--expect", "oak/oak-2"],
        "expected oak/oak-2, got an ambiguous answer (oak/oak-2 or oak/oak-1)",
    ),
    (
        lambda: make_ambiguous(family=None),
        ["--expect", "oak"],
        "expected oak, got an ambiguous answer (oak/oak-2 or oak/oak-1)",
    ),
    (
        lambda: make_ambiguous(confidence=1.0),
        ["--min-confidence", "0.5"],
        "asked for confidence 0.5, but the answer is ambiguous",
    ),
    (make_unknown, ["--expect", "oak"], "expected oak, got an unknown one"),
    (
        make_unknown,
        ["--min-confidence", "0"],
        "asked for confidence 0, but the answer is unknown",
    ),
    (
        lambda: make_result(generation=None),
        ["--expect", "oak/oak-2"],
        "expected oak/oak-2, got oak",
    ),
]


@pytest.mark.parametrize(("answer", "asked"), MET)
def test_met_condition_exits_0(
    command: Command, fake_api: FakeApi, answer: type, asked: list[str]
) -> None:
    fake_api.answer = answer()
    done = command("identify", REF, *asked)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize(("answer", "asked", "told"), FAILED)
def test_failed_condition_exits_1_and_still_reports(
    command: Command,
    fake_api: FakeApi,
    answer: type,
    asked: list[str],
    told: str,
    as_json: bool,
) -> None:
    fake_api.answer = answer()
    done = command("identify", REF, *asked, *(["--json"] if as_json else []))
    assert done.code == 1
    assert done.err == f"failed: {told}\n"
    if as_json:
        assert done.document["schema"] == "famtree/identification/1"
    else:
        assert REF in done.out


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("oka", "did you mean oak"),
        ("oak-2", "oak/oak-2"),
        ("quercus", "famtree families list"),
        ("oak/oak-9", "it has oak-1, oak-2"),
        ("oak/", "it has oak-1, oak-2"),
        ("", "famtree families list"),
        ("oak/oak-1/x", "it has oak-1, oak-2"),
    ],
)
def test_unknown_key_is_a_usage_error_before_any_work(
    command: Command, fake_api: FakeApi, asked: str, hint: str
) -> None:
    done = command("identify", REF, "--json", "--expect", asked)
    assert done.code == done.document["error"]["exit_code"] == 2
    assert hint in done.document["error"]["hint"]
    assert fake_api.calls == []


@pytest.mark.parametrize("bound", ["-0.1", "1.1", "nan", "inf", "high"])
def test_confidence_bound_must_be_a_share(command: Command, fake_api: FakeApi, bound: str) -> None:
    done = command("identify", REF, f"--min-confidence={bound}")
    assert done.code == 2
    assert "--min-confidence" in done.err
    assert fake_api.calls == []


ERRORS: list[tuple[FamtreeError, int, str]] = [
    (UsageError("m"), 2, "usage"),
    (PolicyError("m", []), 2, "usage"),
    (FetchError("m"), 3, "fetch"),
    (NotFoundError("m"), 3, "not-found"),
    (AccessError("m"), 3, "access"),
    (OfflineError("m"), 3, "offline"),
    (NetworkError("m"), 3, "network"),
    (DeadlineError("m"), 3, "timeout"),
    (UnreadableError("m"), 4, "unreadable"),
    (HeaderError("m"), 4, "bad-header"),
    (ConfigError("m"), 4, "bad-config"),
    (TokenizerError("m"), 4, "bad-tokenizer"),
    (RegistryError(["a.toml: key: missing"]), 70, "bad-registry"),
    (FamtreeError("m"), 70, "internal"),
]


def test_every_error_class_is_listed() -> None:
    def walk(kind: type[FamtreeError]) -> set[type[FamtreeError]]:
        return {kind}.union(*(walk(child) for child in kind.__subclasses__()))

    assert {type(error) for error, _, _ in ERRORS} == {
        kind for kind in walk(FamtreeError) if kind.__module__ == "famtree.errors"
    }


@pytest.mark.parametrize(
    ("error", "exit_code", "code"), ERRORS, ids=[code for _, _, code in ERRORS]
)
def test_each_error_has_its_exit_code_and_document(
    command: Command, fake_api: FakeApi, error: FamtreeError, exit_code: int, code: str
) -> None:
    error.hint = "do this"
    fake_api.answer = error
    plain = command("identify", REF)
    assert (plain.code, plain.out) == (exit_code, "")
    assert plain.err == f"error: {error.message}\nhint: do this\n"
    coded = command("identify", REF, "--json")
    assert (coded.code, coded.err) == (exit_code, plain.err)
    assert coded.document == {
        "schema": "famtree/error/1",
        "error": {
            "code": code,
            "message": error.message,
            "hint": "do this",
            "exit_code": exit_code,
        },
    }


def test_statuses_are_those_of_links() -> None:
    from famtree.cli.identify import Status
    from famtree.types.links import STATUSES

    assert tuple(Status) == STATUSES


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--allow-family", "elm"], "is oak, and only elm may be used"),
        (["--deny-family", "elm", "--deny-family", "oak"], "is oak, which is denied"),
        (["--allow-family", "elm", "--allow-family", "oak"], None),
    ],
)
def test_allowed_and_denied_families(
    command: Command, fake_api: FakeApi, fake_registry: None, asked: list[str], told: str | None
) -> None:
    fake_api.answer = make_result()
    done = command("identify", REF, *asked)
    assert (done.code, done.err) == ((1, f"failed: {told}\n") if told else (0, ""))
    assert len(fake_api.calls) == 1


def test_a_denied_family_must_exist(
    command: Command, fake_api: FakeApi, fake_registry: None
) -> None:
    done = command("identify", REF, "--deny-family", "oka")
    assert (done.code, fake_api.calls) == (2, [])
    assert "did you mean oak" in done.err


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        (["--max-status", "consistent"], 1),
        (["--max-status", "declared"], 0),
        (["--expect-parent", "acme/elsewhere"], 1),
        (["--expect-parent", "acme/elsewhere", "--max-status", "verified"], 2),
        (["--expect-parent", "acme/base", "--require-licence-compatible"], 0),
    ],
)
def test_conditions_on_the_ancestry(
    command: Command, fake_api: FakeApi, asked: list[str], count: int
) -> None:
    edge = LineageEdge(
        child=REF, parent="acme/base", relation="finetune", status="declared", confidence=0.7
    )
    ancestry = Lineage(famtree="0", ref=REF, edges=[edge])
    subject = SimpleNamespace(
        identification=make_result(), publish_lineage=lambda: ancestry, find_name=str
    )
    vars(fake_api).update(examine=lambda *_, **__: subject)
    done = command("identify", REF, *asked)
    assert done.code == min(count, 1)
    assert done.err.count("failed: ") == count
