"""What engines' sources say of serving, compiled engines, caches, merges and lengths."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from famtree.interchange.answer import answer_pair, choose_engines
from famtree.interchange.load import load_engines
from famtree.interchange.side import Plan, Side
from famtree.types.comparison import Answer, LineageVerdict, Question
from interchange.sides import (
    CHAT,
    CHILD,
    SAME,
    UNDETERMINED,
    make_index,
    make_pair,
    make_side,
    make_words,
)
from interchange.test_engine_truths import TRUTHS, adapt, store

ENGINES = load_engines()
WORDS = make_words("a", "b")
OTHER_CHAT = {"tokenizer_config.json": {"chat_template": "<s>[INST]{{ text }}[/INST]"}}
GENERIC = sorted(set(ENGINES["vllm"].support.generic if ENGINES["vllm"].support else ()))[0]
PARTIAL = make_index({}, complete=False)

SIDES: dict[str, Callable[[], Side]] = {
    "plain": lambda: make_side(vocabulary=WORDS, side_files=CHAT),
    "tuned": lambda: make_side(vocabulary=WORDS, side_files=CHAT),
    "other-chat": lambda: make_side(vocabulary=WORDS, side_files=OTHER_CHAT),
    "gguf": lambda: make_side(form="gguf"),
    "adapter": adapt,
    "removed": lambda: make_side(architectures=["MPTForCausalLM"], model_type="mpt"),
    "generic": lambda: make_side(architectures=[GENERIC]),
    "absent": lambda: make_side(architectures=["NovelForCausalLM"]),
    "deeper": lambda: make_side(num_hidden_layers=48, index=PARTIAL),
    "wider": lambda: make_side(hidden_size=8192, index=PARTIAL),
    "mistral": lambda: make_side(architectures=["MistralForCausalLM"], model_type="mistral"),
    "awq": lambda: store(TRUTHS["form"]["awq"]),
    "awq8": lambda: store(TRUTHS["form"]["awq8"]),
    "deepseek": lambda: make_side(architectures=["DeepseekV3ForCausalLM"], model_type="kimi_k2"),
}
LINEAGES = {"same": SAME, "child": CHILD, "": UNDETERMINED}


def ask(engine: str, question: Question, b: str, lineage: LineageVerdict, plan: Plan) -> Answer:
    chosen, _ = choose_engines([engine], ENGINES)
    pair = make_pair(SIDES["plain"](), SIDES[b](), lineage)
    return next(
        one
        for one in answer_pair(pair, chosen, ENGINES, plan)
        if one.engine and one.question == question
    )


# engine, question, b beside a plain Llama, what links both, answer, its words, place in the source
CLAIMS: list[tuple[str, Question, str, str, str, str, str]] = [
    ("vllm", "serve", "adapter", "", "conditional", "--enable-lora",
     "entrypoints/common/cli_args.py:81"),
    ("vllm", "serve", "gguf", "", "conditional", "plugin", "layers/quantization/__init__.py:37"),
    ("vllm", "serve", "removed", "", "no", "last version", "models/registry.py:841"),
    ("vllm", "serve", "tuned", "child", "yes", "reload_weights",
     "v1/worker/gpu_model_runner.py:5226"),
    ("vllm", "serve", "other-chat", "child", "conditional", "keeps a's tokenizer",
     "reload/inplace.py:21"),
    ("vllm", "serve", "deeper", "", "conditional", "restart", "models/registry.py:73"),
    ("vllm", "serve", "generic", "", "conditional", "Transformers backend",
     "models/registry.py:747"),
    ("vllm", "serve", "absent", "", "conditional", "generic backend", "models/registry.py:1328"),
    ("sglang", "serve", "tuned", "child", "yes", "update_weights",
     "entrypoints/http_server.py:1300"),
    ("sglang", "serve", "absent", "", "conditional", "--model-impl transformers",
     "models/transformers.py:210"),
    ("transformers", "serve", "deepseek", "", "conditional", "",
     "models/auto/configuration_auto.py:26"),
    ("transformers", "serve", "tuned", "", "yes", "from_pretrained",
     "models/auto/configuration_auto.py:26"),
    ("vllm", "engine", "tuned", "child", "yes", "cache of its own", "config/model.py:468"),
    ("tensorrt-llm", "engine", "tuned", "child", "yes", "no TensorRT engines",
     "legacy/tensorrt-backend-removal.md"),
    ("tensorrt-llm@1.2.1", "engine", "tuned", "child", "conditional", "refit",
     "PRs 15763, 15767 of 2026-06-30"),
    ("torch-tensorrt", "engine", "tuned", "child", "conditional", "immutable_weights=False",
     "dynamo/_defaults.py:61"),
    ("neuron", "engine", "tuned", "child", "conditional", "inline_weights_to_neff=False",
     "neuron/convert.py:299"),
    ("mlc-llm", "engine", "tuned", "child", "conditional", "library", "interface/jit.py:138"),
    ("mlx-lm", "engine", "gguf", "", "no", "not read", "gguf.py:27"),
    ("mlx-lm", "engine", "awq8", "", "no", "stored as awq", "utils.py:115"),
    ("exllamav3", "engine", "gguf", "", "no", "not read", "modules/linear.py:143"),
    ("exllamav3", "engine", "awq", "", "no", "", "modules/linear.py:143"),
    ("llama.cpp", "engine", "awq", "", "no", "stored as awq", "conversion/base.py:580"),
    ("vllm", "kv-cache", "tuned", "same", "conditional", "one model name", "nixl/metadata.py:191"),
    ("vllm", "kv-cache", "tuned", "child", "no", "do not name the model",
     "v1/core/kv_cache_utils.py:707"),
    ("vllm", "kv-cache", "deeper", "", "no", "layout", "nixl/metadata.py:191"),
    ("sglang", "kv-cache", "tuned", "same", "conditional", "name",
     "mem_cache/hicache_storage.py:758"),
    ("sglang", "kv-cache", "tuned", "child", "no", "name", "mem_cache/hicache_storage.py:758"),
    ("llama.cpp", "kv-cache", "tuned", "same", "yes", "valid", "src/llama-context.cpp:3406"),
    ("llama.cpp", "kv-cache", "tuned", "child", "no", "layout", "src/llama-context.cpp:3406"),
    ("llama.cpp", "lora", "mistral", "", "no", "", "src/llama-adapter.cpp:213"),
    ("mergekit", "merge", "mistral", "", "conditional", "--allow-crimes",
     "architecture/__init__.py:86"),
    ("mergekit", "merge", "wider", "", "no", "", "merge_methods/base.py:301"),
    ("mergekit", "merge", "adapter", "", "conditional", "base+adapter", "common.py:196"),
    ("mergekit", "merge", "tuned", "child", "yes", "", "merge_methods/base.py:301"),
]  # fmt: skip


@pytest.mark.parametrize(("engine", "question", "b", "link", "expected", "says", "source"), CLAIMS)
def test_an_answer_is_that_of_the_source(
    engine: str, question: Question, b: str, link: str, expected: str, says: str, source: str
) -> None:
    assert source
    found = ask(engine, question, b, LINEAGES[link], Plan())
    assert found.answer == expected, found.reason
    assert says in f"{found.reason} {found.condition}"


LENGTHS = [
    ("vllm", "VLLM_ALLOW_LONG_MAX_MODEL_LEN", "config/model.py:2677"),
    ("sglang", "SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN", "configs/model_config.py:1315"),
    ("llama.cpp", "nothing stops it", "src/llama-context.cpp:328"),
]


@pytest.mark.parametrize(("engine", "says", "source"), LENGTHS)
def test_a_longer_text_is_taken_as_the_source_says(engine: str, says: str, source: str) -> None:
    assert source
    found = ask(engine, "context", "tuned", UNDETERMINED, Plan(context=16384))
    assert found.answer == "conditional"
    assert says in str(found.condition)


def test_caches_are_kept_as_the_sources_say() -> None:
    caches = {key: one.cache for key, one in ENGINES.items() if one.cache is not None}
    assert caches["vllm"].memory_share == 0.92  # config/cache.py:215
    assert {"fp8", "int8", "nvfp4"} <= caches["vllm"].types.keys()  # config/cache.py:44
    assert {"fp8", "nvfp4"} <= caches["sglang"].types.keys()  # arg_groups/fields/model.py:204
    assert {"q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "iq4_nl"} <= caches["llama.cpp"].types.keys()
    assert {"int8", "int4"} <= caches["transformers"].types.keys()  # cache_utils.py:909
    for key in ("vllm", "sglang", "llama.cpp", "transformers"):
        assert caches[key].latent == "packed", key
        assert caches[key].windows == "kept", key
    assert caches["vllm"].steps  # v1/kv_cache_interface.py:916: admission of windows
    assert caches["sglang"].state == "float32"  # configs/mamba_utils.py:54
    assert caches["vllm"].states["NemotronHForCausalLM"] == "float32"  # models/config.py:813
    assert "modelopt" in caches["vllm"].follows  # utils/torch_utils.py:498
