"""`--thorough` and `--nonce` say how weights are read, and need leave to read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from famtree import api
from famtree.cli.options import choose_proof
from famtree.errors import UsageError
from famtree.types.proof_options import ProofOptions
from tiny_models import make_model, tune, write_model


@pytest.mark.parametrize(("thorough", "nonce"), [(True, None), (False, "x")])
def test_they_need_verify(thorough: bool, nonce: str | None) -> None:
    with pytest.raises(UsageError, match="says how to read weights"):
        choose_proof(verify=False, thorough=thorough, nonce=nonce)


def test_the_draw_is_stated_and_a_nonce_moves_it(tmp_path: Path) -> None:
    one = str(write_model(tmp_path / "one", make_model(1)))
    two = str(write_model(tmp_path / "two", tune(make_model(1), 3)))

    def ask(nonce: str | None = None) -> tuple[str, str]:
        proof = ProofOptions(nonce=nonce)
        draw = api.compare(one, two, verify=True, proof=proof).relation.lineage.draw
        assert draw is not None
        return draw.key, draw.source

    assert ask() == ask()
    assert ask()[1] == "computed"
    assert ask("once") == ("once", "nonce")
