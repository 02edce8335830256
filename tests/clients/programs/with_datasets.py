"""datasets: push, load and stream tables."""

from __future__ import annotations

import random
import sys

from cases import KEPT, MODE, bytes_of, case, run, same
from datasets import (
    Dataset,
    DatasetDict,
    IterableDataset,
    get_dataset_config_names,
    get_dataset_split_names,
    load_dataset,
    load_dataset_builder,
)
from datasets.hub import delete_from_hub
from huggingface_hub import HfApi

api, NAME = HfApi(), f"ann/table-{MODE}"
CHANCE = random.Random(4)
ROWS = {"id": list(range(5000)), "text": [f"{CHANCE.getrandbits(200):x}" for _ in range(5000)]}


@case("upload a folder")
def push_to_hub() -> None:
    done = Dataset.from_dict(ROWS).push_to_hub(NAME)
    KEPT.first = done.oid
    same("data/train-00000-of-00001.parquet" in api.list_repo_files(NAME, repo_type="dataset"), True)


@case("cards")
def the_card_that_was_pushed() -> None:
    features = api.dataset_info(NAME).card_data["dataset_info"]["features"]
    same([f["name"] for f in features], ["id", "text"])


@case("download")
def load() -> None:
    same(load_dataset(NAME, split="train").to_dict(), ROWS)


@case("download")
def load_at_a_commit() -> None:
    same(load_dataset(NAME, split="train[:10]", revision=KEPT.first)["id"], ROWS["id"][:10])


@case("ranges")
def stream() -> None:
    rows = list(load_dataset(NAME, split="train", streaming=True).take(700))
    same([row["text"] for row in rows], ROWS["text"][:700])


@case("upload a folder")
def push_in_shards_and_splits() -> None:
    both = DatasetDict(train=Dataset.from_dict(ROWS), test=Dataset.from_dict({"id": [1], "text": ["x"]}))
    both.push_to_hub(f"{NAME}-two", num_shards={"train": 3, "test": 1})
    found = [p for p in api.list_repo_files(f"{NAME}-two", repo_type="dataset") if p.endswith(".parquet")]
    same(len(found), 4)


@case("download")
def load_splits() -> None:
    found = load_dataset(f"{NAME}-two")
    same({name: len(split) for name, split in found.items()}, {"train": 5000, "test": 1})


@case("upload a folder")
def push_again_replaces() -> None:
    Dataset.from_dict({"id": [9], "text": ["nine"]}).push_to_hub(NAME)
    same(load_dataset(NAME, split="train", download_mode="force_redownload")["text"][:], ["nine"])


@case("upload a folder")
def push_a_configuration() -> None:
    Dataset.from_dict({"id": [1], "text": ["other"]}).push_to_hub(NAME, "other")
    same(sorted(get_dataset_config_names(NAME)), ["default", "other"])
    same(load_dataset(NAME, "other", split="train")["text"][:], ["other"])


@case("info")
def split_names_and_builder() -> None:
    same(get_dataset_split_names(f"{NAME}-two"), ["train", "test"])
    same(sorted(load_dataset_builder(f"{NAME}-two").info.features), ["id", "text"])


@case("create")
def push_private() -> None:
    Dataset.from_dict({"a": [1]}).push_to_hub(f"{NAME}-private", private=True)
    same(
        (api.dataset_info(f"{NAME}-private").private, load_dataset(f"{NAME}-private", split="train")["a"][:]),
        (True, [1]),
    )


@case("download")
def load_csv_and_bytes_of_a_plain_repository() -> None:
    api.create_repo(f"{NAME}-csv", repo_type="dataset")
    send = {"repo_id": f"{NAME}-csv", "repo_type": "dataset"}
    api.upload_file(path_or_fileobj=b"a,b\n1,x\n2,y\n", path_in_repo="data.csv", **send)
    api.upload_file(path_or_fileobj=bytes_of(3, 90_000), path_in_repo="other/b.bin", **send)
    same(
        load_dataset(f"{NAME}-csv", data_files="data.csv", split="train").to_dict(),
        {"a": [1, 2], "b": ["x", "y"]},
    )


@case("upload a folder")
def push_what_is_streamed() -> None:
    rows = IterableDataset.from_generator(lambda: ({"n": number} for number in range(50)))
    rows.push_to_hub(f"{NAME}-streamed")
    same(load_dataset(f"{NAME}-streamed", split="train")["n"][:], list(range(50)))


@case("branches and tags")
def push_to_a_branch_and_load_a_tag() -> None:
    Dataset.from_dict({"a": [1]}).push_to_hub(f"{NAME}-versions")
    api.create_tag(f"{NAME}-versions", tag="v1", repo_type="dataset")
    Dataset.from_dict({"a": [2]}).push_to_hub(f"{NAME}-versions", revision="next")
    at = [load_dataset(f"{NAME}-versions", split="train", revision=r)["a"][:] for r in ("main", "v1", "next")]
    same(at, [[1], [1], [2]])


@case("pull requests")
def push_as_a_pull_request() -> None:
    Dataset.from_dict({"a": [3]}).push_to_hub(f"{NAME}-versions", create_pr=True)
    same(load_dataset(f"{NAME}-versions", split="train", revision="refs/pr/1")["a"][:], [3])
    same(load_dataset(f"{NAME}-versions", split="train")["a"][:], [1])


@case("download")
def load_files_by_their_address() -> None:
    address = f"hf://datasets/{NAME}-csv/data.csv"
    same(load_dataset("csv", data_files=address, split="train")["a"][:], [1, 2])


@case("download")
def load_by_pattern() -> None:
    found = load_dataset(
        "parquet", data_files=f"hf://datasets/{NAME}-two/data/train-*.parquet", split="train"
    )
    same(len(found), 5000)


@case("delete")
def delete_a_configuration() -> None:
    proposed = delete_from_hub(NAME, "other")
    api.merge_pull_request(NAME, proposed.pr_num, repo_type="dataset")
    same(get_dataset_config_names(NAME), ["default"])


@case("errors")
def a_data_set_that_is_missing() -> None:
    try:
        load_dataset("ann/none")
    except Exception as error:
        same(type(error).__name__, "DatasetNotFoundError")
    else:
        raise AssertionError("no error")


if __name__ == "__main__":
    sys.exit(run())
