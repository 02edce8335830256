"""Which files are deployed, and on which machines they fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.metrics.making import AWAY, config, evidence_of
from tests.metrics.models import LLAMA_CONFIG, bare_lora, gguf, llama2, phi
from weighbridge.domain.evidence import Evidence
from weighbridge.domain.policy import Policy
from weighbridge.domain.weights import MISSING_LIMIT, deployable
from weighbridge.metrics import METRICS
from weighbridge.metrics.size_score import GIB, fit

judged = METRICS["size_score"]


def chosen(evidence: Evidence) -> list[str]:
    return [entry.path for entry in deployable(evidence.files, evidence.json_of).files]


def test_half_is_an_exact_fit_one_fits_twice_and_zero_is_twice_too_big() -> None:
    assert [fit(8, 8), fit(8, 4), fit(8, 16), fit(8, 1), fit(0, 1)] == [0.5, 1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("size", "layers", "hidden", "kv_heads", "score"),
    [
        (548_105_171, 12, 768, 12, 1.00),
        (5_559_417_400, 32, 2560, 32, 0.80),
        (13_476_925_163, 32, 4096, 32, 0.58),
        (137_953_316_864, 80, 8192, 64, 0.0),
    ],
)
def test_worked_examples(size: int, layers: int, hidden: int, kv_heads: int, score: float) -> None:
    settings = config(
        architectures=["LlamaForCausalLM"],
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=kv_heads,
    )
    evidence = evidence_of("yard/m", sizes={"model.safetensors": size}, texts={"config.json": settings})
    assert judged(evidence, Policy()).low == pytest.approx(score, abs=0.02)


def test_every_target_stands_in_the_parts() -> None:
    score = judged(llama2(), Policy())
    assert set(score.parts) == {"raspberry_pi", "jetson_nano", "desktop_pc", "aws_server"}
    assert score.parts["aws_server"] == 1.0
    assert score.parts["raspberry_pi"] == 0.0


def test_an_edge_team_weighs_its_own_devices() -> None:
    policy = Policy(target_weights={"raspberry_pi": 1.0})
    assert judged(llama2(), policy).low == 0.0
    assert judged(phi(), policy).low == pytest.approx(0.374, abs=0.01)


def test_safetensors_come_before_other_formats_and_the_top_folder_before_others() -> None:
    names = ["model.onnx", "pytorch_model.bin", "model.safetensors", "onnx/model.safetensors"]
    assert chosen(evidence_of("yard/m", sizes=dict.fromkeys(names, 5))) == ["model.safetensors"]
    assert chosen(evidence_of("yard/m", sizes=dict.fromkeys(names[:2], 5))) == ["pytorch_model.bin"]


def test_every_shard_counts_and_variants_do_not() -> None:
    names = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    extra = ["model.fp16.safetensors", "consolidated.safetensors", "training_args.bin"]
    assert chosen(evidence_of("yard/m", sizes=dict.fromkeys(names + extra, 5))) == names


def test_of_gguf_files_q4_k_m_is_deployed_else_the_smallest() -> None:
    assert chosen(gguf()) == ["small-reasoner.Q4_K_M.gguf"]
    sizes = {"a.Q8_0.gguf": 9, "a.Q2_K.gguf": 5, "mmproj-a.gguf": 1}
    found = deployable(evidence_of("yard/m", sizes=sizes).files)
    assert [entry.path for entry in found.files] == ["a.Q2_K.gguf"]
    assert found.others == ("a.Q8_0.gguf",)


def test_a_pipeline_is_the_sum_of_its_components() -> None:
    sizes = {
        "model_index.json": 500,
        "unet/diffusion_pytorch_model.safetensors": 3 * GIB,
        "unet/diffusion_pytorch_model.bin": 3 * GIB,
        "unet/diffusion_pytorch_model.fp16.safetensors": GIB,
        "vae/diffusion_pytorch_model.safetensors": GIB,
        "v1-5-pruned.ckpt": 7 * GIB,
    }
    assert deployable(evidence_of("yard/sd", sizes=sizes).files).size_bytes == 4 * GIB


def test_a_large_archive_is_taken_for_weights_and_a_small_one_is_not() -> None:
    assert judged(evidence_of("yard/m", sizes={"saved.tar.gz": 60_000_000}), Policy()).low == 1.0
    assert judged(evidence_of("yard/m", sizes={"saved.tar.gz": 40_000_000}), Policy()).low == 0.0


def test_missing_shards_are_known_from_index_and_names() -> None:
    evidence = phi()
    kept = tuple(entry for entry in evidence.files if "00002-of" not in entry.path)
    assert deployable(kept, evidence.json_of).missing == ("model-00002-of-00002.safetensors",)
    assert deployable(kept).missing == ("model-00002-of-00002.safetensors",)


def test_no_weights_fit_nowhere() -> None:
    score = judged(evidence_of("yard/m", texts={"README.md": "# Nothing"}), Policy())
    assert score.low == score.high == 0.0


def test_an_adapter_weighs_what_its_base_model_weighs() -> None:
    alone = judged(bare_lora(), Policy())
    assert alone.low == pytest.approx(0.60, abs=0.01)
    assert "meta-llama/Llama-2-7b-hf" in alone.signals[0].reason


def test_an_adapter_whose_base_model_cannot_be_read_is_not_judged() -> None:
    parents = tuple(replace(p, info=None, weight_bytes=None, source=AWAY) for p in bare_lora().parents)
    score = judged(replace(bare_lora(), parents=parents), Policy())
    assert (score.low, score.high) == (0.0, 1.0)
    assert all(signal.how_to_improve for signal in score.signals)


def test_an_adapter_that_names_no_base_model_cannot_be_run() -> None:
    evidence = evidence_of(
        "somebody/lora", sizes={"adapter_model.safetensors": 5}, texts={"adapter_config.json": "{}"}
    )
    assert judged(evidence, Policy()).high == 0.0


def test_absurd_numbers_in_a_configuration_are_not_believed() -> None:
    for value in ("1e999", "-5", "true", "null", "9" * 4000):
        settings = LLAMA_CONFIG.replace("4096", value)
        evidence = evidence_of(
            "yard/m", sizes={"model.safetensors": 5_000_000}, texts={"config.json": settings}
        )
        assert judged(evidence, Policy()).low == 1.0


def test_names_of_shards_that_ask_for_millions_are_believed_only_so_far() -> None:
    names = {f"s{number:04d}-00001-of-09999.safetensors": 9 for number in range(2_000)}
    chosen = deployable(evidence_of("yard/s", sizes=names).files)
    assert len(chosen.missing) == MISSING_LIMIT
    assert all(name not in names for name in chosen.missing)
    assert deployable(evidence_of("yard/s", sizes={"m-00001-of-99999.bin": 9}).files).missing == ()


def test_every_file_of_a_format_is_either_chosen_or_another_variant() -> None:
    names = {f"part{number}.safetensors": 9 for number in range(300)} | {"model.safetensors": 9}
    chosen = deployable(evidence_of("yard/s", sizes=names).files)
    assert [entry.path for entry in chosen.files] == ["model.safetensors"]
    assert set(chosen.others) == set(names) - {"model.safetensors"}
