"""Signed statements: DSSE envelopes, verified offline against one public key.

github.com/secure-systems-lab/dsse: what is signed is the pre-authentication encoding of the
payload's type and its bytes, so that neither can be taken for another. `cosign attest-blob` and
securesystemslib write such envelopes; a Sigstore bundle holds one as `dsseEnvelope`.
"""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Iterator
from typing import Any

from famtree.attestation.statement import PREDICATE_TYPE, STATEMENT_TYPE
from famtree.errors import UnreadableError, require_package
from famtree.files import read_given
from famtree.sources.hashes import is_sha256

PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""github.com/in-toto/attestation, spec/v1/envelope.md."""
MAX_BYTES = 16 << 20
MAX_ENVELOPES = 1000
MAX_SIGNATURES = 32
MAX_SUBJECTS = 100_000
LEAST_RSA = 2048
"""Bits; smaller keys have been factored."""


def require_verifier() -> None:
    """Raise UsageError, saying what to install, where signatures cannot be verified."""
    require_package("cryptography", "verifying a signature")


def read_attested(file: str, key_file: str) -> frozenset[str]:
    """Return the sha256 of every subject that a statement in `file` has, signed by this key.

    `file` holds one envelope or Sigstore bundle, or one a line. Raises UnreadableError, saying why,
    where no envelope of a statement of famtree's verifies.
    """
    key = _load_key(_read(key_file), key_file)
    reason = f"{file} has no signed statement"
    for envelope in _list_envelopes(_read(file), file):
        try:
            return _list_subjects(_open(envelope, key))
        except ValueError as fault:
            reason = f"{file}: {fault}"
    raise UnreadableError(reason)


def encode_signed(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that a signature is over (PAE of DSSE v1)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _read(name: str) -> bytes:
    try:
        data = read_given(name, MAX_BYTES + 1)
    except ValueError as fault:
        raise UnreadableError(str(fault)) from fault
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"{name} has more than {MAX_BYTES} bytes")
    return data


def _list_envelopes(data: bytes, file: str) -> Iterator[dict[str, Any]]:
    whole = _decode(data)
    lines = [whole] if whole is not None else [
        _decode(line) for line in data.split(b"\n", MAX_ENVELOPES) if line.strip()
    ]  # fmt: skip
    for one in lines[:MAX_ENVELOPES]:
        inner = one.get("dsseEnvelope", one) if isinstance(one, dict) else None
        if not isinstance(inner, dict):
            raise UnreadableError(f"{file} is no DSSE envelope")
        yield inner


def _decode(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _open(envelope: dict[str, Any], key: Any) -> dict[str, Any]:
    """Return the statement of an envelope. Raises ValueError, saying what is wrong."""
    signatures = envelope.get("signatures")
    if not isinstance(signatures, list) or not signatures:
        raise ValueError("it is not signed")
    if envelope.get("payloadType") != PAYLOAD_TYPE:
        raise ValueError(f"its payload is not of the type {PAYLOAD_TYPE}")
    payload = _unpack(envelope.get("payload"))
    signed = encode_signed(PAYLOAD_TYPE, payload)
    given = [one.get("sig") for one in signatures[:MAX_SIGNATURES] if isinstance(one, dict)]
    if not any(_verifies(key, _unpack(one), signed) for one in given):
        raise ValueError("no signature of it verifies against the key")
    statement = _decode(payload)
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT_TYPE:
        raise ValueError(f"what is signed is no {STATEMENT_TYPE}")
    if statement.get("predicateType") != PREDICATE_TYPE:
        raise ValueError(f"what is signed is not about {PREDICATE_TYPE}")
    return statement


def _list_subjects(statement: dict[str, Any]) -> frozenset[str]:
    subjects = statement.get("subject")
    if not isinstance(subjects, list) or not 0 < len(subjects) <= MAX_SUBJECTS:
        raise ValueError("its statement has no subjects")
    found = set()
    for one in subjects:
        digest = one.get("digest") if isinstance(one, dict) else None
        value = digest.get("sha256") if isinstance(digest, dict) else None
        if not is_sha256(value):
            raise ValueError("a subject of its statement has no sha256")
        found.add(str(value))
    return frozenset(found)


def _unpack(text: object) -> bytes:
    """Return what is written in base64, standard or for addresses; DSSE allows both."""
    if not isinstance(text, str):
        raise ValueError("it lacks a payload or a signature")
    try:
        return urlsafe_b64decode(text) if set(text) & set("-_") else b64decode(text, validate=True)
    except ValueError as fault:
        raise ValueError("a part of it is not base64") from fault


def _load_key(data: bytes, name: str) -> Any:
    require_verifier()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise UnreadableError(f"{name} is no public key in PEM form") from fault
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < LEAST_RSA:
        raise UnreadableError(f"{name} is an RSA key of fewer than {LEAST_RSA} bits")
    kinds = (ed25519.Ed25519PublicKey, ec.EllipticCurvePublicKey, rsa.RSAPublicKey)
    if not isinstance(key, kinds):
        raise UnreadableError(f"{name} is no key of Ed25519, ECDSA or RSA")
    return key


def _verifies(key: Any, signature: bytes, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    ways: list[tuple[Any, ...]]
    if isinstance(key, ed25519.Ed25519PublicKey):
        ways = [()]
    elif isinstance(key, rsa.RSAPublicKey):
        digest = hashes.SHA256()
        most = padding.PSS(padding.MGF1(digest), padding.PSS.AUTO)
        ways = [(padding.PKCS1v15(), digest), (most, digest)]
    else:
        # The digest that goes with the size of the curve, as Sigstore and securesystemslib sign.
        sizes = {384: hashes.SHA384(), 521: hashes.SHA512()}
        ways = [(ec.ECDSA(sizes.get(key.key_size, hashes.SHA256())),)]
    for way in ways:
        try:
            key.verify(signature, signed, *way)
        except InvalidSignature:
            continue
        return True
    return False
