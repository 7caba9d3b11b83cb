"""What fits where, and that it never contradicts `compare`."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from documentation.world import fill_hub
from examining import examine_source
from famtree.comparison.compare import Request, compare_subjects
from famtree.deployment.fit import FitRequest, check_request, fit_subject, serves
from famtree.deployment.gpus import find_place
from famtree.errors import UsageError
from famtree.identification.subject import Subject
from famtree.interchange.answer import choose_engines
from famtree.interchange.load import load_engines
from famtree.interchange.side import Plan
from famtree.sources.hub import HubSource
from famtree.sources.local import LocalSource
from famtree.sources.reference import parse_reference
from famtree.types.comparison import Comparison
from famtree.types.fit import FitEngine, FitReport
from hub.server import HubServer
from tiny_models import make_model, write_model

LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096,
    "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 131072,
    "rope_theta": 500000.0, "rms_norm_eps": 1e-5, "hidden_act": "silu", "torch_dtype": "bfloat16",
    "tie_word_embeddings": False,
}  # fmt: skip
WEIGHTS = 16_060_522_496
TOKEN = 131_072
GPUS = ("T4", "L4", "A100-40GB", "A100-80GB", "L40S", "H100", "B200", "MI300X")


def examine(folder: Path, **config: Any) -> Subject:
    folder.mkdir(parents=True, exist_ok=True)
    stated = {key: value for key, value in {**LLAMA, **config}.items() if value != "absent"}
    (folder / "config.json").write_text(json.dumps(stated))
    return examine_source(LocalSource(parse_reference(str(folder))))


def ask(
    subject: Subject,
    gpu: str | None = None,
    *engines: str,
    plan: Plan | None = None,
    tensor_parallel: int | None = None,
) -> FitReport:
    plan = plan or Plan()
    chosen, notices = choose_engines(engines, load_engines())
    if not engines:
        chosen = [one for one in chosen if serves(one.engine)]
    place = find_place(gpu, plan.gpu_memory, plan.capability)
    request = FitRequest(tuple(chosen), place, plan, tensor_parallel, tuple(notices))
    check_request(request)
    return fit_subject(subject, request)


def find(fit: FitReport, engine: str) -> FitEngine:
    return next(one for one in fit.engines if one.engine == engine)


def test_what_fits_is_exact_to_the_byte(tmp_path: Path) -> None:
    fit = ask(examine(tmp_path), "L4", "vllm", plan=Plan(context=8192, batch=2))
    [one] = fit.engines
    usable = int(24 * 10**9 * 0.92)
    assert (one.answer, one.fits) == ("yes", "yes")
    assert one.needed_bytes == WEIGHTS + 2 * 8192 * TOKEN
    assert one.usable_bytes == usable
    assert one.max_context == (usable - WEIGHTS) // 2 // TOKEN
    assert one.max_batch == (usable - WEIGHTS) // (8192 * TOKEN)
    assert fit.memory.weights_bytes == WEIGHTS
    assert fit.memory.weights_source == "estimate"
    assert (fit.memory.kv_bytes_per_token, fit.memory.kv_fixed_bytes) == (TOKEN, 0)
    assert fit.gpu is not None
    assert (fit.gpu.memory_bytes, fit.gpu.capability) == (24 * 10**9, 8.9)
    assert fit.suggestions == []


def test_where_it_does_not_fit_it_says_what_would_help(tmp_path: Path) -> None:
    fit = ask(examine(tmp_path), "T4", plan=Plan(context=32768))
    assert all(one.fits == "no" for one in fit.engines)
    assert "--gpu T4:2" in fit.suggestions
    assert any("8-bit copy" in text for text in fit.suggestions)
    assert all(one.help for one in fit.engines if one.answer in ("yes", "conditional"))
    long = ask(examine(tmp_path), "L4", "vllm", plan=Plan(context=131072))
    assert long.suggestions[0] == f"--context {find(long, 'vllm').max_context}"
    many = ask(examine(tmp_path), "L4", "vllm", plan=Plan(context=8192, batch=64))
    assert f"--batch {find(many, 'vllm').max_batch}" in many.suggestions


def test_several_accelerators_share_weights_and_heads(tmp_path: Path) -> None:
    subject = examine(tmp_path)
    plan = Plan(context=8192)
    two = find(ask(subject, "T4:2", plan=plan), "vllm")
    assert two.ranks == 2
    assert two.needed_bytes == WEIGHTS // 2 + 8192 * TOKEN // 2
    three = find(ask(subject, "T4:3", plan=plan), "vllm")
    assert three.ranks == 2  # 32 heads cannot be dealt out to three
    dealt = find(ask(subject, "T4:2", plan=plan), "llama.cpp")
    assert dealt.tensor_parallel is None
    assert dealt.needed_bytes == WEIGHTS + 8192 * TOKEN
    assert dealt.usable_bytes == 2 * (16 * 10**9 - 2**30)


def test_a_cut_that_cannot_be_is_a_no(tmp_path: Path) -> None:
    subject = examine(tmp_path, num_attention_heads=28, num_key_value_heads=4, hidden_size=3584)
    one = find(ask(subject, "H100:8", tensor_parallel=8), "vllm")
    assert (one.answer, one.rule) == ("no", "vllm/fit.tensor-parallel")
    assert "28 heads cannot be dealt out to 8" in one.reason
    assert one.tensor_parallel is not None
    assert {1, 2, 4} <= set(one.tensor_parallel)
    assert 8 not in one.tensor_parallel
    assert find(ask(subject, "H100:8", tensor_parallel=4), "vllm").answer == "yes"
    assert find(ask(subject, "H100:8", tensor_parallel=4), "llama.cpp").answer == "no"


def test_a_cut_that_leaves_the_image_tower_whole_is_a_setting(tmp_path: Path) -> None:
    subject = examine(tmp_path, architectures=["Qwen2_5_VLForConditionalGeneration"],
                      model_type="qwen2_5_vl", vision_config={"num_heads": 12})  # fmt: skip
    one = find(ask(subject, "H100:8", tensor_parallel=8), "vllm")
    assert (one.answer, one.ranks) == ("conditional", 8)
    assert one.condition == "--mm-encoder-tp-mode data"
    assert "12 heads of its image tower" in one.reason
    assert one.tensor_parallel == [1, 2, 4]
    assert find(ask(subject, "H100:8"), "vllm").ranks == 4


def test_more_ranks_than_accelerators_is_an_error_of_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        ask(examine(tmp_path), "H100", tensor_parallel=4)
    assert error.value.hint == "--gpu H100:4"


def test_engines_run_on_what_they_are_built_for(tmp_path: Path) -> None:
    subject = examine(tmp_path)
    amd = ask(subject, "MI300X")
    assert find(amd, "vllm").answer == "conditional"
    assert "ROCm" in (find(amd, "vllm").condition or "")
    assert find(amd, "exllamav3").answer == "no"
    assert find(amd, "mlx-lm").answer == "no"
    apple = ask(subject, "M4 Max", plan=Plan(gpu_memory=64))
    assert find(apple, "exllamav3").answer == "no"
    assert find(apple, "llama.cpp").answer in ("yes", "conditional")
    old = find(ask(subject, None, plan=Plan(gpu_memory=24, capability=50)), "vllm")
    assert (old.answer, old.rule) == ("no", "vllm/quantization.least")
    turing = find(ask(subject, "T4"), "vllm")
    assert turing.answer == "conditional"
    assert str(turing.condition).startswith("--dtype half")


@pytest.mark.parametrize(
    ("gpu", "kind", "answers"),
    [
        ("MI300X", "nvfp4", {"vllm": "no", "sglang": "no"}),
        ("MI300X", "fp8", {"vllm": "conditional", "sglang": "conditional"}),
        ("Gaudi 3", "fp8", {"vllm": "unknown"}),
        ("A100-80GB", "nvfp4", {"vllm": "yes", "sglang": "no", "tensorrt-llm": "no"}),
        ("B200", "nvfp4", {"vllm": "yes", "sglang": "yes"}),
        ("T4", "fp8", {"vllm": "no"}),
    ],
)
def test_a_type_of_the_cache_takes_kernels_of_the_place(
    tmp_path: Path, gpu: str, kind: str, answers: dict[str, str]
) -> None:
    fit = ask(examine(tmp_path), gpu, plan=Plan(cache_type=kind))
    assert {name: find(fit, name).answer for name in answers} == answers


@pytest.mark.parametrize(
    ("gpu", "form", "answers"),
    [
        # Kernels that were read are those of CUDA: elsewhere a list has to name the form.
        ("MI300X", "fp8", {"vllm": "conditional", "sglang": "unknown", "transformers": "yes"}),
        ("MI300X", "bitsandbytes", {"vllm": "no"}),
        ("Gaudi 3", "fp8", {"vllm": "unknown", "sglang": "no"}),
        ("cpu", "fp8", {"vllm": "unknown", "sglang": "conditional"}),
        ("cpu", "modelopt", {"sglang": "no"}),
    ],
)
def test_a_stored_form_takes_kernels_of_the_place(
    tmp_path: Path, gpu: str, form: str, answers: dict[str, str]
) -> None:
    stored = {"quant_method": form, "weight_block_size": [128, 128], "quant_algo": "FP8"}
    plan = Plan(gpu_memory=256)
    fit = ask(examine(tmp_path, quantization_config=stored), gpu, plan=plan)
    assert {name: find(fit, name).answer for name in answers} == answers


def test_a_form_that_is_widened_on_old_gpus_is_widened_on_a_cpu(tmp_path: Path) -> None:
    stored = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    subject = examine(tmp_path, quantization_config=stored)
    held = {
        gpu: find(ask(subject, gpu, plan=Plan(gpu_memory=256)), "transformers").weights_bytes
        for gpu in ("H100", "A100", "cpu")
    }
    assert held["H100"] is not None
    assert held["cpu"] == held["A100"]
    assert (held["cpu"] or 0) > 1.5 * held["H100"]


def test_a_draft_head_is_served_with_its_target_alone(tmp_path: Path) -> None:
    subject = examine(tmp_path, architectures=["LlamaForCausalLMEagle3"], num_hidden_layers=1,
                      draft_vocab_size=32000)  # fmt: skip
    fit = ask(subject, "H100")
    assert not any(one.answer == "yes" for one in fit.engines)
    assert "--speculative-config" in str(find(fit, "vllm").condition)
    assert find(fit, "transformers").answer == "no"


def test_a_diffusion_pipeline_is_no_text_model(tmp_path: Path) -> None:
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text('{"_class_name": "UNet2DConditionModel"}')
    (tmp_path / "model_index.json").write_text(json.dumps({
        "_class_name": "StableDiffusionXLPipeline", "unet": ["diffusers", "UNet2DConditionModel"],
    }))  # fmt: skip
    fit = ask(examine_source(LocalSource(parse_reference(str(tmp_path)))), "H100")
    assert {one.answer for one in fit.engines} <= {"no", "unknown"}


def test_a_class_that_an_engine_has_no_more_is_a_no(tmp_path: Path) -> None:
    subject = examine(tmp_path, architectures=["MPTForCausalLM"], model_type="mpt")
    one = find(ask(subject, "H100"), "vllm")
    assert one.answer == "no"
    assert "removed" in one.reason


def test_nothing_is_restarted_and_nothing_is_called_b(tmp_path: Path) -> None:
    fit = ask(examine(tmp_path), "H100", plan=Plan(context=8192))
    assert find(fit, "vllm").answer == "yes"
    for one in fit.engines:
        for text in (one.reason, one.condition or "", one.help or ""):
            assert "restart" not in text
            assert " b " not in f" {text} "
            assert "b's" not in text
            assert text.count("(") == text.count(")")


def test_a_longer_text_than_the_model_takes(tmp_path: Path) -> None:
    fit = ask(examine(tmp_path, max_position_embeddings=4096), "H100", plan=Plan(context=131072))
    one = find(fit, "vllm")
    assert one.answer == "no"
    assert one.max_context == 4096
    short = ask(examine(tmp_path, max_position_embeddings=4096), "H100")
    assert all((one.max_context or 0) <= 4096 for one in short.engines)


def test_best_comes_first(tmp_path: Path) -> None:
    engines = ask(examine(tmp_path), "L4").engines
    order = ["yes", "conditional", "unknown", "no"]
    ranks = [order.index(one.answer) for one in engines]
    assert (engines[0].answer, engines[0].fits) == ("yes", "yes")
    assert ranks == sorted(ranks)


def test_without_a_place_the_needs_are_told(tmp_path: Path) -> None:
    fit = ask(examine(tmp_path), plan=Plan(context=1000))
    assert fit.gpu is None
    one = find(fit, "vllm")
    assert (one.fits, one.usable_bytes) == ("unknown", None)
    assert one.needed_bytes == WEIGHTS + 1000 * TOKEN


def test_what_cannot_be_told_is_unknown(tmp_path: Path) -> None:
    subject = examine(tmp_path, architectures="absent", model_type="novel", num_hidden_layers=None)
    fit = ask(subject, "H100")
    assert fit.memory.missing
    assert {one.fits for one in fit.engines} <= {"unknown", "no"}
    assert find(fit, "vllm").answer in ("unknown", "conditional")


@pytest.mark.parametrize("value", [None, "x", "", 0, -1, 1.5, True, [], {}, [None], 10**30, "NaN"])
@pytest.mark.parametrize(
    "key",
    ["hidden_size", "num_attention_heads", "num_key_value_heads", "intermediate_size", "head_dim",
     "num_hidden_layers", "vocab_size", "max_position_embeddings", "torch_dtype", "architectures",
     "model_type", "quantization_config", "sliding_window", "layer_types", "text_config",
     "rope_scaling", "num_experts"],
)  # fmt: skip
def test_odd_configs_have_an_answer(tmp_path: Path, key: str, value: Any) -> None:
    fit = ask(examine(tmp_path, **{key: value}), "L40S:4", plan=Plan(context=4096, batch=2))
    assert fit.engines
    fit.to_document()


def compare(subject: Subject, gpu: str, plan: Plan) -> Comparison:
    place = find_place(gpu)
    assert place is not None
    own = replace(plan, gpu_memory=place.memory, gpu_name=place.name,
                  capability=place.capability)  # fmt: skip
    chosen, _ = choose_engines((), load_engines())
    return compare_subjects(subject, subject, Request(load_engines(), tuple(chosen), own))


QUESTIONS = ("serve", "quantization", "context", "memory")


def check_agreement(subject: Subject, gpu: str, plan: Plan) -> int:
    """One answer of `fit` for each engine beside the answers of `compare` about it and itself."""
    answers = compare(subject, gpu, plan).interchange
    fit = ask(subject, gpu, plan=plan)
    for one in fit.engines:
        own = {
            question: [x for x in answers if x.question == question and x.engine == one.engine]
            for question in QUESTIONS
        }
        general = {x.question: x for x in answers if x.engine is None}
        told = (subject.identification.checkpoint.ref, gpu, one.engine, one.reason)
        refused = [x for question in ("serve", "quantization", "context") for x in own[question]
                   if x.answer == "no"]  # fmt: skip
        if refused:
            assert one.answer == "no", told
        if one.answer == "no" and "/fit." not in one.rule:
            assert one.rule in {x.rule for x in answers}, told
            doubted = (*refused, *own["memory"], general["context"])
            assert "no" in {x.answer for x in doubted}, told
        memory = [*own["memory"], general["memory"]][0]
        if memory.rule.endswith(("fits", "weights")) and memory.engine == one.engine:
            assert one.fits == memory.answer, told
            assert one.max_context == memory.figures.get(
                "largest_context", 0 if memory.rule.endswith("weights") else None
            ), told
        elif memory.engine == one.engine and memory.answer == "unknown":
            assert one.fits == "unknown", told
    return len(fit.engines)


@pytest.mark.parametrize("plan", [Plan(), Plan(context=32768, batch=4),
                                  Plan(context=8192, cache_type="fp8")])  # fmt: skip
def test_fixtures_have_one_answer(tmp_path: Path, plan: Plan) -> None:
    write_model(tmp_path / "tiny", make_model(1))
    folders = [
        tmp_path / "tiny",
        *sorted((Path(__file__).parents[2] / "fixtures").glob("example/*")),
    ]
    subjects = [examine_source(LocalSource(parse_reference(str(path)))) for path in folders
                if path.is_dir()]  # fmt: skip
    subjects.append(examine(tmp_path / "llama"))
    subjects.append(examine(tmp_path / "mpt", architectures=["MPTForCausalLM"], model_type="mpt"))
    subjects.append(examine(tmp_path / "fp8", quantization_config={
        "quant_method": "fp8", "weight_block_size": [128, 128]}))  # fmt: skip
    for subject in subjects:
        for gpu in GPUS:
            assert check_agreement(subject, gpu, plan)


def test_weights_that_no_class_runs_do_not_replace_themselves(tmp_path: Path) -> None:
    """Of equal weights nothing has to be done only where they run at all."""
    write_model(tmp_path / "tiny", make_model(1))
    path = tmp_path / "tiny" / "config.json"
    config = json.loads(path.read_text())
    for name, kind in (("MPTForCausalLM", "mpt"), ("NovelForCausalLM", "novel")):
        path.write_text(json.dumps({**config, "architectures": [name], "model_type": kind}))
        subject = examine_source(LocalSource(parse_reference(str(tmp_path / "tiny"))))
        answers = compare(subject, "H100", Plan()).interchange
        serve = {one.engine: one.answer for one in answers if one.question == "serve"}
        assert serve["mlx-lm"] == serve["exllamav3"] == "no"
        assert serve["vllm"] == ("no" if kind == "mpt" else serve["vllm"])
        assert check_agreement(subject, "H100", Plan())


@pytest.mark.parametrize(
    "name", ["meta-llama/Llama-3.1-70B", "Qwen/Qwen3-30B-A3B", "openai/gpt-oss-20b",
             "mistralai/Mistral-7B-v0.3", "acme/desk-7b-AWQ", "acme/desk-7b-GGUF"]
)  # fmt: skip
def test_checkpoints_of_a_hub_have_one_answer(hub: HubServer, name: str) -> None:
    fill_hub(hub)
    subject = examine_source(HubSource(parse_reference(name)))
    for gpu in GPUS:
        assert check_agreement(subject, gpu, Plan(context=16384, batch=2))
    assert ask(subject, "H100").memory.weights_source in ("files", "headers")


@pytest.mark.corpus
def test_published_checkpoints_have_one_answer(shared: Path) -> None:
    """A sample; benchmarks/fit_agreement.py asks about forty."""
    found = sorted((shared / "corpus" / "checkpoints").glob("*/config.json"))
    folders = [path.parent for path in found
               if "~" not in path.parent.name and path.stat().st_size < 200_000]  # fmt: skip
    for folder in islice(folders, 0, 160, 20):
        subject = examine_source(LocalSource(parse_reference(str(folder))))
        for gpu in GPUS:
            assert check_agreement(subject, gpu, Plan(context=16384))
