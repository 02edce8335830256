"""sentence-transformers with the real weights of all-MiniLM-L6-v2."""

from __future__ import annotations

import sys
from pathlib import Path

from cases import GIVEN, KEPT, MODE, case, fails, run, same
from huggingface_hub import HfApi
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.util import cos_sim

api, NAME = HfApi(), f"ann/minilm-{MODE}"
WEIGHTS = Path(GIVEN["weights"])
SENTENCES = ["A truck is weighed.", "The lorry stands on the scale.", "Bread is baked at night."]


@case("upload a folder")
def the_real_weights() -> None:
    api.create_repo(NAME)
    api.upload_folder(repo_id=NAME, folder_path=WEIGHTS)
    sent = {p.relative_to(WEIGHTS).as_posix() for p in WEIGHTS.rglob("*") if p.is_file()}
    same(sent - set(api.list_repo_files(NAME)), set())


@case("download")
def a_model_by_its_name() -> None:
    KEPT.model = SentenceTransformer(NAME, device="cpu")
    got = one, near, far = KEPT.model.encode(SENTENCES)
    assert cos_sim(one, near) > cos_sim(one, far) + 0.2, (cos_sim(one, near), cos_sim(one, far))
    same((got == SentenceTransformer(str(WEIGHTS), device="cpu").encode(SENTENCES)).all(), True)


@case("download")
def a_model_at_a_commit() -> None:
    head = api.model_info(NAME).sha
    same(SentenceTransformer(NAME, revision=head, device="cpu").get_embedding_dimension(), 384)


@case("upload a folder")
def model_push_to_hub() -> None:
    KEPT.model.push_to_hub(f"{NAME}-pushed")
    found = api.list_repo_files(f"{NAME}-pushed")
    assert {"modules.json", "model.safetensors", "README.md"} <= set(found), found


@case("info")
def its_card_says_what_it_is() -> None:
    info = api.model_info(f"{NAME}-pushed")
    same((info.pipeline_tag, info.library_name), ("sentence-similarity", "sentence-transformers"))


@case("list")
def it_is_found_by_its_pipeline() -> None:
    found = [m.id for m in api.list_models(pipeline_tag="sentence-similarity", author="ann")]
    assert f"{NAME}-pushed" in found, found


@case("download")
def what_was_pushed_computes_the_same() -> None:
    back = SentenceTransformer(f"{NAME}-pushed", device="cpu")
    same((back.encode(SENTENCES) == KEPT.model.encode(SENTENCES)).all(), True)


@case("upload a folder")
def push_again_where_it_exists() -> None:
    KEPT.model.push_to_hub(f"{NAME}-pushed", exist_ok=True, commit_message="Again")
    same("model.safetensors" in api.list_repo_files(f"{NAME}-pushed"), True)


@case("download")
def a_cross_encoder() -> None:
    made = CrossEncoder(NAME, num_labels=1, device="cpu")
    made.push_to_hub(f"{NAME}-cross")
    back = CrossEncoder(f"{NAME}-cross", device="cpu")
    pair = [(SENTENCES[0], SENTENCES[1])]
    same((back.predict(pair) == made.predict(pair)).all(), True)


@case("errors")
def a_model_that_is_missing() -> None:
    fails("RepositoryNotFoundError", "ann/none", SentenceTransformer, "ann/none")


if __name__ == "__main__":
    sys.exit(run())
