"""Statements of `famtree attest`, and what `attested_by` of a policy takes for signed."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf.json_format import ParseDict
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement

import famtree
from cli.commands import Command, make_command
from famtree import api
from famtree.attestation.envelope import PAYLOAD_TYPE, encode_signed
from famtree.attestation.statement import PREDICATE_TYPE
from famtree.errors import PolicyError, UsageError
from hub.repository import make_sparse
from hub.server import HubServer
from lineage_hubs import add_model
from tiny_models import make_model, write_model

Sign = Callable[[bytes], bytes]


def sign(statement: Any, signer: Sign, *, kind: str = PAYLOAD_TYPE) -> dict[str, Any]:
    payload = json.dumps(statement).encode()
    made = signer(encode_signed(kind, payload))
    return {
        "payloadType": kind,
        "payload": b64encode(payload).decode(),
        "signatures": [{"keyid": "", "sig": b64encode(made).decode()}],
    }


@pytest.fixture(scope="module")
def key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("attested") / "tiny", make_model(1))


@pytest.fixture(scope="module")
def statement(model: Path) -> dict[str, Any]:
    return api.attest(str(model), verify=True, offline=True)


@pytest.fixture
def check(tmp_path: Path, key: Any, model: Path) -> Callable[..., Any]:
    """Return a function that checks the model against what lies in the file of the statement."""

    def run(
        envelope: object, *, public: bytes | None = None, verify: bool = True, ref: str = ""
    ) -> Any:
        (tmp_path / "key.pub").write_bytes(public or write_key(key))
        text = envelope if isinstance(envelope, str) else json.dumps(envelope)
        (tmp_path / "signed.json").write_text(text, encoding="utf-8")
        policy = tmp_path / "famtree.toml"
        policy.write_text(
            'schema = "famtree/policy/1"\n[defaults]\nattested_by = "key.pub"\n'
            f'[[checkpoint]]\nref = {json.dumps(ref or str(model))}\nattestation = "signed.json"\n'
        )
        [row] = api.check(str(policy), verify=verify).checkpoints
        assert row.error is None
        [condition] = row.conditions
        assert condition.name == "attested_by"
        return condition

    return run


def write_key(key: Any) -> bytes:
    made = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert isinstance(made, bytes)
    return made


def test_the_reference_reads_the_statement(statement: dict[str, Any], model: Path) -> None:
    parsed = ParseDict(statement, statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    assert parsed.predicate_type == PREDICATE_TYPE
    [subject] = parsed.subject
    data = (model / subject.name).read_bytes()
    assert dict(subject.digest) == {"sha256": sha256(data).hexdigest()}
    predicate = statement["predicate"]
    assert predicate["famtree"] == famtree.__version__
    assert predicate["registry"]["digest"].startswith("sha256:")
    assert statement == api.attest(str(model), verify=True, offline=True)


def test_only_known_hashes_are_subjects(model: Path, hub: HubServer) -> None:
    with pytest.raises(UsageError, match="is not known") as raised:
        api.attest(str(model))
    assert "--verify" in raised.value.hint
    add_model(hub, "a/base", files={"pytorch_model.bin": make_sparse("a", 512)})
    add_model(hub, "a/tuned", "a/base", files={"pytorch_model.bin": make_sparse("b", 512)})
    made = api.attest("a/tuned")
    [edge] = made["predicate"]["lineage"]["edges"]
    assert (edge["parent"], edge["status"]) == ("a/base", "consistent")
    [subject] = made["subject"]
    assert len(subject["digest"]["sha256"]) == 64
    add_model(hub, "a/bare")
    with pytest.raises(UsageError, match="no weight files"):
        api.attest("a/bare")


def test_a_recorded_hash_is_no_subject(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "copied", make_model(2))
    record = folder / ".cache" / "huggingface" / "download" / "model.safetensors.metadata"
    record.parent.mkdir(parents=True)
    record.write_text(f"{'1' * 40}\n{'a' * 64}\n4000000000.0\n")
    with pytest.raises(UsageError, match="is not known"):
        api.attest(str(folder))
    [subject] = api.attest(str(folder), verify=True)["subject"]
    assert subject["digest"]["sha256"] != "a" * 64


def test_the_command_prints_it(
    capsys: pytest.CaptureFixture[str], model: Path, statement: dict[str, Any]
) -> None:
    command: Command = make_command(capsys)
    done = command("attest", str(model), "--verify", "--offline")
    assert (done.code, done.document) == (0, statement)
    assert command("attest", str(model)).code == 2


def list_signers() -> dict[str, tuple[Any, Sign]]:
    point, other = (ec.generate_private_key(curve()) for curve in (ec.SECP256R1, ec.SECP384R1))
    number = rsa.generate_private_key(65537, 2048)
    return {
        "ecdsa": (point, lambda data: point.sign(data, ec.ECDSA(hashes.SHA256()))),
        "p384": (other, lambda data: other.sign(data, ec.ECDSA(hashes.SHA384()))),
        "rsa": (number, lambda data: number.sign(data, padding.PKCS1v15(), hashes.SHA256())),
    }


def test_who_signed_it_passes(check: Any, key: Any, statement: dict[str, Any]) -> None:
    signed = sign(statement, key.sign)
    assert check(signed).holds
    assert check({"mediaType": "x", "dsseEnvelope": signed}).holds, "a Sigstore bundle"
    other = sign({**statement, "subject": []}, key.sign)
    assert check(f"{json.dumps(other)}\n{json.dumps(signed)}\n").holds, "one a line"
    plain = {**signed, "payload": urlsafe_b64encode(json.dumps(statement).encode()).decode()}
    assert check(plain).holds
    for name, (private, signer) in list_signers().items():
        assert check(sign(statement, signer), public=write_key(private)).holds, name


def test_what_does_not_pass(check: Any, key: Any, statement: dict[str, Any]) -> None:
    signed, stranger = sign(statement, key.sign), ed25519.Ed25519PrivateKey.generate()
    forged = {**statement, "subject": [{"name": "x", "digest": {"sha256": "0" * 64}}]}
    cases: list[tuple[object, str]] = [
        (statement, "not signed"),
        ({**signed, "signatures": []}, "not signed"),
        ({**signed, "signatures": [{"sig": ""}]}, "verifies"),
        (sign(statement, stranger.sign), "verifies"),
        (sign(statement, lambda _: key.sign(json.dumps(statement).encode())), "verifies"),
        ({**signed, "payload": b64encode(json.dumps(forged).encode()).decode()}, "verifies"),
        (sign(statement, key.sign, kind="text/plain"), "not of the type"),
        ({**sign(statement, key.sign, kind="text/plain"), "payloadType": PAYLOAD_TYPE}, "verifies"),
        (sign({**statement, "predicateType": "https://slsa.dev/x"}, key.sign), "not about"),
        (sign({**statement, "_type": "https://in-toto.io/Statement/v0.1"}, key.sign), "is no"),
        (sign({**statement, "subject": []}, key.sign), "no subjects"),
        (sign({**statement, "subject": [{"name": "x"}]}, key.sign), "no sha256"),
        (sign(forged, key.sign), "not among the subjects"),
        ({**signed, "payload": "?"}, "base64"),
        ("", "no signed statement"),
        ("[]", "no DSSE envelope"),
        ("[" * 100_000, "no DSSE envelope"),
    ]
    for envelope, told in cases:
        found = check(envelope)
        assert not found.holds
        assert told in found.message, (told, found.message)


def test_which_keys_are_none(check: Any, key: Any, statement: dict[str, Any]) -> None:
    small = rsa.generate_private_key(65537, 1024)
    signed = sign(statement, lambda data: small.sign(data, padding.PKCS1v15(), hashes.SHA256()))
    assert "fewer than 2048 bits" in check(signed, public=write_key(small)).message
    assert "no public key" in check(sign(statement, key.sign), public=b"key").message


def test_the_files_are_hashed_or_listed(
    check: Any, key: Any, statement: dict[str, Any], hub: HubServer
) -> None:
    assert "--verify" in check(sign(statement, key.sign), verify=False).message
    add_model(hub, "a/base", files={"pytorch_model.bin": make_sparse("a", 512)})
    signed = sign(api.attest("a/base"), key.sign)
    assert check(signed, ref="a/base", verify=False).holds
    more = {"pytorch_model.bin": make_sparse("a", 512), "more.bin": make_sparse("c", 512)}
    add_model(hub, "a/more", files=more)
    assert "more.bin" in check(signed, ref="a/more", verify=False).message


def test_key_and_statement_go_together(tmp_path: Path) -> None:
    policy = tmp_path / "famtree.toml"
    for name, other in (("attested_by", "attestation"), ("attestation", "attested_by")):
        policy.write_text(
            f'schema = "famtree/policy/1"\n[[checkpoint]]\nref = "a/b"\n{name} = "x"\n'
        )
        with pytest.raises(PolicyError, match=f"{other} is missing"):
            api.check(str(policy))
