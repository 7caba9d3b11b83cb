"""Several Hubs and tokens in one process: nothing of one is seen by another."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from huggingface_hub import HfApi

import famtree
from conftest import ROOT
from famtree.errors import AccessError, FamtreeError, NotFoundError, OfflineError, UsageError
from famtree.scan.processes import ProcessPool
from famtree.scan.settings import ScanSettings
from famtree.scan.starters import Spawner
from famtree.session import Session
from famtree.sources.hub_access import HubAccess, ListingMemory
from famtree.types.checkpoint import Listing
from hub.server import HubServer
from lineage_hubs import CONFIG, LLAMA_3, add_model

SECRET = "org/secret"
ALICE, BOB = "hf_alice", "hf_bob"


@pytest.fixture
def other_hub(hub: HubServer) -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


def tokens_seen(server: HubServer) -> set[str]:
    return {seen.headers.get("authorization", "") for seen in server.seen.all}


def family(result: famtree.Identification) -> str:
    assert result.family is not None
    return result.family.key


def test_two_hubs_and_two_tokens_in_two_threads(hub: HubServer, other_hub: HubServer) -> None:
    servers = {ALICE: (hub, CONFIG), BOB: (other_hub, LLAMA_3)}
    for token, (server, config) in servers.items():
        server.tokens[token] = {SECRET, "org/parent"}
        # Two commits of the same name: only the endpoint tells them apart.
        add_model(server, "org/parent", config=config, private=True)
        add_model(server, SECRET, "org/parent", config=config, private=True)
    together = Barrier(len(servers), timeout=30)

    def ask(token: str) -> list[tuple[str, list[str]]]:
        found = []
        for _ in range(8):
            together.wait()
            session = Session(token=token, endpoint=servers[token][0].url)
            graph = session.lineage(SECRET)
            assert [node.resolved for node in graph.nodes] == [True, True]
            found.append((family(session.identify(SECRET)), [edge.parent for edge in graph.edges]))
        return found

    with ThreadPoolExecutor(len(servers)) as pool:
        answers = dict(zip(servers, pool.map(ask, servers), strict=True))
    assert answers[ALICE] == [("qwen", ["org/parent"])] * 8
    assert answers[BOB] == [("llama", ["org/parent"])] * 8
    assert tokens_seen(hub) == {f"Bearer {ALICE}"}
    assert tokens_seen(other_hub) == {f"Bearer {BOB}"}


@pytest.mark.parametrize(
    "fields", [{"private": True}, {"gated": "manual"}], ids=["private", "gated"]
)
@pytest.mark.parametrize("pinned", [False, True], ids=["branch", "commit"])
@pytest.mark.parametrize("offline", [False, True], ids=["online", "offline"])
def test_what_one_token_fetched_is_not_read_with_another(
    hub: HubServer, fields: dict[str, Any], pinned: bool, offline: bool
) -> None:
    hub.tokens |= {ALICE: {SECRET}, BOB: set()}
    add_model(hub, SECRET, **fields)
    [commit] = hub.repositories[SECRET].commits
    ref = f"{SECRET}@{commit}" if pinned else SECRET
    assert family(Session(token=ALICE).identify(ref)) == "qwen"
    for token in (BOB, False, None):
        with pytest.raises((NotFoundError, AccessError, OfflineError)):
            Session(token=token, offline=offline).identify(ref)
    assert family(Session(token=ALICE, offline=True).identify(ref)) == "qwen"


def test_the_user_s_own_token_reads_the_user_s_own_cache(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.tokens[ALICE] = {SECRET}
    add_model(hub, SECRET, private=True)
    monkeypatch.setenv("HF_TOKEN", ALICE)
    famtree.identify(SECRET)
    for token in (None, True, ALICE):
        assert family(famtree.identify(SECRET, token=token, offline=True)) == "qwen"
    with pytest.raises(OfflineError):
        famtree.identify(SECRET, token=False, offline=True)


def test_a_cookie_stays_with_the_answer_that_set_it(hub: HubServer) -> None:
    from huggingface_hub import get_session

    add_model(hub, "org/name")
    get_session().cookies.set("session", "alice's", domain="127.0.0.1")
    famtree.identify("org/name")
    assert all("cookie" not in seen.headers for seen in hub.seen.all)


def test_connections_are_reused(hub: HubServer) -> None:
    for number in range(6):
        add_model(hub, f"org/model-{number}", changes={"note": number})
    session = Session()
    for number in range(6):
        session.identify(f"org/model-{number}")
    assert hub.seen.requests == 12
    assert hub.seen.connections == ["hub"]


def test_a_session_asks_for_a_listing_once_and_stays_at_its_commit(hub: HubServer) -> None:
    add_model(hub, "org/name")
    session = Session()
    first = session.identify("org/name")
    add_model(hub, "org/name", config=LLAMA_3)
    hub.seen.clear()
    assert session.identify("org/name").checkpoint.revision == first.checkpoint.revision
    assert family(session.compare("org/name", "org/name").a) == "qwen"  # type: ignore[arg-type]
    assert hub.seen.requests == 0
    assert family(Session().identify("org/name")) == "llama"


def test_a_failure_is_not_remembered(hub: HubServer) -> None:
    session = Session()
    with pytest.raises(NotFoundError):
        session.identify("org/name")
    add_model(hub, "org/name")
    assert family(session.identify("org/name")) == "qwen"


def test_the_memory_of_listings_is_bounded() -> None:
    memory, asked = ListingMemory(most=2), []

    def recall(name: str) -> None:
        memory.recall(name, "main", lambda: asked.append(name) or Listing(()))  # type: ignore[func-returns-value]

    for name in ("a", "b", "a", "c", "a", "b"):
        recall(name)
    assert asked == ["a", "b", "c", "b"]


@dataclass
class Call:
    """One public function, asked about a private repository."""

    name: str
    arguments: tuple[Any, ...]

    def __call__(self, **keywords: Any) -> Any:
        return getattr(famtree.api, self.name)(*self.arguments, **keywords)


CALLS = [
    Call("identify", (SECRET,)),
    Call("lineage", (SECRET,)),
    Call("bom", (SECRET,)),
    Call("compare", (SECRET, SECRET)),
    Call("compare_all", ([SECRET, SECRET, SECRET],)),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_every_function_takes_an_hfapi(hub: HubServer, other_hub: HubServer, call: Call) -> None:
    other_hub.tokens |= {ALICE: {SECRET}, BOB: set()}
    add_model(other_hub, SECRET, private=True)
    call(api=HfApi(endpoint=other_hub.url, token=ALICE))
    call(api=HfApi(endpoint=other_hub.url), token=ALICE)
    with pytest.raises(NotFoundError):
        call(api=HfApi(endpoint=other_hub.url, token=ALICE), token=BOB)
    assert hub.seen.requests == 0


def test_check_asks_as_whom_it_is_told(
    hub: HubServer, other_hub: HubServer, tmp_path: Path
) -> None:
    other_hub.tokens |= {ALICE: {SECRET}}
    add_model(other_hub, SECRET, private=True)
    policy = tmp_path / "famtree.toml"
    policy.write_text(
        'schema = "famtree/policy/1"\n[defaults]\nexpect = "qwen"\n'
        f'[[checkpoint]]\nref = "{SECRET}"\n'
        f'[[checkpoint]]\nref = "{SECRET}"\nmax_status = "unresolved"\n'
    )
    api = HfApi(endpoint=other_hub.url, token=ALICE)
    assert famtree.api.check(str(policy), api=api).passed == 2
    assert famtree.api.check(str(policy)).errors == 2


def test_scan_takes_token_and_endpoint_into_its_processes(
    hub: HubServer, other_hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    other_hub.tokens |= {ALICE: {SECRET}}
    add_model(other_hub, SECRET, private=True)
    api = HfApi(endpoint=other_hub.url, token=ALICE)
    [row] = famtree.scan([SECRET], workers=1, api=api)
    assert (row["error_code"], row["family"]) == (None, "qwen")
    [row] = famtree.scan([SECRET], workers=1, api=HfApi(endpoint=other_hub.url, token=False))
    assert row["error_code"] == "not-found"
    assert hub.seen.requests == 0


def test_a_scan_s_token_is_not_among_the_arguments() -> None:
    settings = ScanSettings(1, token=ALICE)
    starter = Spawner()
    with ProcessPool(settings, starter, 1):
        [process] = starter._started
        assert ALICE not in json.dumps(process.args)
    assert ALICE not in repr(settings)


def test_no_token_is_sent_where_none_is_wanted(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_model(hub, "org/name")
    monkeypatch.setenv("HF_TOKEN", ALICE)
    famtree.identify("org/name", token=False)
    assert tokens_seen(hub) == {""}


def test_a_demanded_token_that_is_not_there_is_told(hub: HubServer) -> None:
    with pytest.raises(AccessError) as caught:
        famtree.identify("org/name", token=True)
    assert "HF_TOKEN" in caught.value.hint
    assert hub.seen.requests == 0


@pytest.mark.parametrize(
    "access",
    [
        {"endpoint": "huggingface.co"},
        {"endpoint": "file:///etc"},
        {"endpoint": "http://[::1"},
        {"endpoint": "http://hub:port"},
        {"token": "hf_one\nX-Evil: 1"},
        {"token": ""},
        {"token": "hf ключ"},
    ],
)
def test_what_can_be_no_address_and_no_token(access: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        Session(**access)  # type: ignore[arg-type]
    assert caught.value.hint
    if access.get("token"):
        assert access["token"] not in caught.value.message


def test_a_token_is_never_shown() -> None:
    assert ALICE not in repr(HubAccess(token=ALICE))
    session = Session(token=ALICE)
    assert ALICE not in f"{session!r} {session}"


def test_packages_do_not_hide_functions_of_their_name() -> None:
    program = (
        "import famtree, famtree.lineage.walk\n"
        "from famtree.scan.row import Row\n"
        "from famtree import lineage, scan\n"
        "assert famtree.lineage is lineage and famtree.scan is scan\n"
        "print(lineage.__module__, scan.__module__)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["famtree.api", "famtree.api"]


def test_every_public_name_exists() -> None:
    for name in famtree.__all__:
        assert getattr(famtree, name) is not None
    with pytest.raises(AttributeError):
        famtree.no_such_name  # noqa: B018
    assert issubclass(famtree.FamtreeError, FamtreeError)
