from pathlib import Path

from famtree.sources.hub import HubSource
from famtree.sources.local import LocalSource
from famtree.sources.open import open_source
from famtree.sources.reference import parse_reference
from hub.server import HubServer


def test_a_reference_chooses_its_source(hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    local = open_source(parse_reference(str(tmp_path)))
    assert isinstance(local, LocalSource)
    assert local.kind == "local"
    remote = open_source(parse_reference("org/name"))
    assert isinstance(remote, HubSource)
    assert remote.kind == "hub"
    assert hub.seen.with_redirects == 0, "nothing is read on opening"
