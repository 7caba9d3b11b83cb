"""Class defaults by transformers itself, where it is installed (extra `transformers`).

Only for a model_type that is newer than the recorded table (`famtree.fingerprints.defaults`). What
is asked is transformers' own config classes, made without arguments: no code of a checkpoint is
run and nothing is fetched. Whatever goes wrong there is no answer.
"""

from __future__ import annotations

import json
import warnings
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

KEPT = (
    "layers", "hidden_size", "heads", "kv_heads", "head_dim", "ffn", "experts", "experts_per_token",
    "expert_ffn", "vocab_rows", "tied", "qkv_bias", "norm_eps", "activation", "rope_theta",
    "rope_type", "partial_rotary", "position", "context", "sliding_window", "text_model_type",
    "encoder_layers", "decoder_layers", "state_size", "logit_cap", "attention_cap",
)  # fmt: skip
"""Traits that are recorded of a class."""
_TABLE = Path("models", "auto", "auto_mappings.py")
"""Where transformers 5 lists every model_type, as a quoted key."""


@cache
def read_newer_defaults(model_type: str) -> dict[str, Any] | None:
    """Return the class defaults of `model_type` as normalised traits; None for an unknown type.

    Takes seconds where transformers lists the type, as importing it does.
    """
    if not _is_listed(model_type):
        return None
    import logging  # takes a fiftieth of a local answer

    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it tells of other libraries that are not installed
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read_class_defaults(model_type)
    except Exception:  # noqa: BLE001 - another's code: what it cannot tell is not known
        return None
    finally:
        logging.disable(disabled)


def read_class_defaults(model_type: str) -> dict[str, Any] | None:
    """Return what transformers' config class assumes, as traits; None for an unknown type.

    Raises whatever transformers does, as for a class that cannot do without arguments.
    """
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING, AutoConfig

    from famtree.fingerprints.config import normalise_config

    if model_type not in CONFIG_MAPPING:
        return None
    stated = AutoConfig.for_model(model_type).to_dict()
    found = normalise_config(json.loads(json.dumps(stated, default=str)), {}).values
    return {name: found[name] for name in KEPT if name in found}


def _is_listed(model_type: str) -> bool:
    """Return whether transformers is there and may know the type, without importing it."""
    try:
        spec = find_spec("transformers")
        places = list(spec.submodule_search_locations or ()) if spec is not None else []
        if not places:
            return False
        text = Path(places[0], _TABLE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return True  # a version that keeps its table elsewhere
    except (ImportError, ValueError, OSError):
        return False
    return f'"{model_type}"' in text
