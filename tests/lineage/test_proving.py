from __future__ import annotations

import json
from pathlib import Path

import pytest

from examining import open_weights
from famtree import api
from famtree.lineage.proving import prove_weights
from famtree.sources.open import open_source
from famtree.sources.reference import parse_reference
from famtree.types.identification import ChainStep, Identification
from hub.giants import SHAPES, make_giant
from hub.server import HubServer
from packed_models import make_gguf
from tiny_models import files_of, make_model, rotate, to_bfloat16, tune
from weighty_hubs import publish


def steps(result: Identification) -> dict[str, ChainStep]:
    return {step.parent: step for step in result.lineage.chain}


@pytest.fixture
def family(hub: HubServer) -> HubServer:
    publish(hub, "acme/base", make_model(1))
    publish(hub, "acme/other", make_model(2))
    return hub


def test_a_declared_parent_is_verified(family: HubServer) -> None:
    publish(family, "acme/child", tune(make_model(1), 3), "acme/base")
    plain = api.identify("acme/child")
    assert steps(plain)["acme/base"].status == "consistent" or (
        steps(plain)["acme/base"].status == "declared"
    )
    assert not plain.checkpoint.weights_read
    assert plain.lineage.proofs == []
    result = api.identify("acme/child", verify=True)
    step = steps(result)["acme/base"]
    assert (step.status, step.confidence) == ("verified", 0.99)
    assert result.checkpoint.weights_read
    (proof,) = result.lineage.proofs
    assert proof.verdict == "derived"
    assert proof.z is not None
    assert proof.z > 30
    assert proof.p_value is not None
    assert proof.p_value < 1e-100
    assert 0 < proof.bytes_read <= proof.bytes_planned
    assert json.loads(json.dumps(result.to_document()))["lineage"]["proofs"][0]["z"] == proof.z


def test_a_wrong_parent_is_contradicted_where_another_passes(family: HubServer) -> None:
    publish(family, "acme/child", tune(make_model(1), 3), "acme/other", "acme/base")
    result = api.identify("acme/child", verify=True)
    found = steps(result)
    assert found["acme/base"].status == "verified"
    assert found["acme/other"].status == "contradicted"
    assert result.lineage.parents == ["acme/base"]


def test_a_failing_parent_is_contradicted_though_no_other_passes(family: HubServer) -> None:
    publish(family, "acme/child", tune(make_model(1), 3), "acme/other")
    result = api.identify("acme/child", verify=True)
    step = steps(result)["acme/other"]
    assert step.status == "contradicted"
    assert result.lineage.parents == []
    assert any(one.signal == "weights.probe" and not one.supports for one in step.evidence)
    assert result.lineage.proofs[0].verdict == "independent"


def test_a_claimed_parent_is_never_a_folder_of_this_machine(
    family: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(family, "acme/child", tune(make_model(1), 3), "acme/base")
    (tmp_path / "acme" / "base").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert steps(api.identify("acme/child", verify=True))["acme/base"].status == "verified"


def test_a_disguised_child_is_verified(family: HubServer) -> None:
    publish(family, "acme/child", rotate(make_model(1), 3), "acme/base")
    assert steps(api.identify("acme/child", verify=True))["acme/base"].status == "verified"


def test_a_conversion_is_verified_byte_for_byte(family: HubServer) -> None:
    base = {name: to_bfloat16(values) for name, values in make_model(1).items()}
    family.add(
        "acme/base-gguf", {"base-Q8_0.gguf": make_gguf(base)}, card={"base_model": ["acme/base"]}
    )
    result = api.identify("acme/base-gguf", verify=True)
    step = steps(result)["acme/base"]
    assert (step.relation, step.status) == ("quantized", "verified")
    (proof,) = result.lineage.proofs
    assert proof.re_derived is not None
    assert proof.re_derived.type == "Q8_0"
    assert proof.re_derived.blocks > 50
    assert "weights.re-derived" in [one.signal for one in step.evidence]
    assert proof.draw is not None
    assert proof.draw.source == "listed"


@pytest.mark.parametrize("turned", [False, True])
def test_a_conversion_that_nobody_declares_is_told_by_its_bytes(
    family: HubServer, turned: bool
) -> None:
    base = {name: to_bfloat16(values) for name, values in make_model(1).items()}
    family.add("acme/packed", {"base-Q8_0.gguf": make_gguf(base)})
    pair = ["acme/base", "acme/packed"]
    told = api.compare(*(pair[::-1] if turned else pair), verify=True).relation.lineage
    assert (told.verdict, told.relation, told.status) == ("related", "quantized", "verified")
    assert told.re_derived is not None
    assert (told.re_derived.source, told.re_derived.type) == ("acme/base", "Q8_0")
    assert told.direction is not None
    shown = "a-derives-from-b" if turned else "b-derives-from-a"
    assert (told.direction.hint, told.direction.by) == (shown, "re-derived")


def test_a_parent_that_is_gone_is_a_notice(family: HubServer) -> None:
    publish(family, "acme/child", tune(make_model(1), 3), "acme/gone")
    result = api.identify("acme/child", verify=True)
    assert steps(result)["acme/gone"].status != "verified"
    assert [one.code for one in result.warnings if "acme/gone" in one.message] == [
        "parent-absent",
        "not-verified",
    ]
    assert not result.checkpoint.weights_read


def test_a_pair_is_read_once_and_every_child_has_its_own_places(family: HubServer) -> None:
    for seed, name in enumerate(("one", "two"), 3):
        publish(family, f"acme/{name}", tune(make_model(1), seed), "acme/base")

    def verify(name: str) -> list[int]:
        sides = [open_source(parse_reference(ref)) for ref in (f"acme/{name}", "acme/base")]
        return [side.bytes_read for side in prove_weights(*map(open_weights, sides)).sides]

    assert all(verify("one"))
    assert verify("one") == [0, 0]
    assert all(verify("two"))


@pytest.mark.parametrize(("name", "most"), [("8B", 300_000), ("70B", 500_000)])
def test_large_models_cost_kilobytes(hub: HubServer, name: str, most: int) -> None:
    shape = next(shape for shape in SHAPES if shape.name == name)
    hub.add("org/parent", make_giant(shape, seed=1))
    hub.add("org/child", make_giant(shape, seed=1, changed=2))
    sides = [open_source(parse_reference(f"org/{side}")) for side in ("child", "parent")]
    proof = prove_weights(*map(open_weights, sides))
    assert proof.verdict == "derived"
    for side in sides:
        assert side.cost.bytes <= most
        assert side.cost.requests <= 80


def test_json_of_a_local_folder(tmp_path: Path) -> None:
    for name, data in files_of(make_model(1)).items():
        (tmp_path / name).write_bytes(data)
    result = api.identify(str(tmp_path), verify=True)
    assert result.lineage.proofs == []
    assert not result.checkpoint.weights_read
