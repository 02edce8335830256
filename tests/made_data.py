"""A data set as its authors should publish it, as a repository of an upstream."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping

from tests.hub_server import HubRepo

NAME = "acme/weighings"
FRONT = """\
license: cc-by-4.0
language: [en]
task_categories: [tabular-regression]
size_categories: [n<1K]
configs:
  - config_name: default
    data_files:
      - {split: train, path: data/train-*.jsonl}
      - {split: test, path: data/test.jsonl}
dataset_info:
  features:
    - {name: plate, dtype: string}
    - {name: tons, dtype: float64}
"""
BODY = """\
# Weighings

## Dataset Summary

Every row is one lorry on one weighbridge: its plate, made up, and how much it weighed in metric tons, with
the load and without it. It is for teaching regression to beginners, and for trying out pipelines; nobody
should estimate a real lorry by it. Weights are as the scale showed them, rounded to ten kilograms, in the
order of arrival at the gate.

## How to use them

```python
from datasets import load_dataset

rows = load_dataset("acme/weighings", split="train")
print(rows[0])
```

## Dataset Structure

A row has two fields: `plate` is a text of seven characters, and `tons` a number between 1.5 and 60. There
are 40 rows in train and 10 rows in test, drawn at random without replacement.

## Dataset Creation

A program wrote them in January from the distribution that three scales in two yards had shown during one
year; the real plates were replaced before anybody else saw them. Two people checked a sample of every file.

## Considerations for Using the Data

Heavy vehicles are over-represented, and there are no trailers at all, so a model that was trained on these
rows will be too high for vans. They hold no personal information.

## Citation and Contact

```bibtex
@misc{weighings, title={Weighings}, author={The Yard}, year={2026}, doi={10.5555/weighings}}
```
"""


def webdataset() -> bytes:
    """Samples as WebDataset packs them: files of one stem belong together."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for number in range(3):
            for ending, raw in (("json", b'{"tons": 12.5}'), ("txt", b"AB 1234")):
                member = tarfile.TarInfo(f"{number:06d}.{ending}")
                member.size = len(raw)
                archive.addfile(member, io.BytesIO(raw))
    return content.getvalue()


def rows(count: int, first: int = 0) -> bytes:
    """JSON lines."""
    lines = [json.dumps({"plate": f"AB {first + n:04d}", "tons": 1.5 + n}) for n in range(count)]
    return ("\n".join(lines) + "\n").encode()


FILES: Mapping[str, bytes] = {
    "README.md": f"---\n{FRONT}---\n{BODY}".encode(),
    ".gitattributes": b"*.tar filter=lfs\n",
    "data/train-00000.jsonl": rows(40),
    "data/test.jsonl": rows(10, 40),
    "extra/scales.csv": b"scale,yard\n1,north\n2,south\n",
    "samples/shard-000000.tar": webdataset(),
}


def made_data(files: Mapping[str, bytes] = FILES) -> HubRepo:
    """The repository, on which three people have worked."""
    repo = HubRepo(files, kind="dataset", lfs_from=2000)
    repo.authors = ("ann", "bob", "cid")
    for number in range(5):
        repo.commit({**files, "CHANGES.md": b"%d\n" % number})
    repo.commit(files)
    tags = ["task_categories:tabular-regression", "language:en", "size_categories:n<1K", "license:cc-by-4.0"]
    repo.info = {"tags": tags, "disabled": False}
    repo.discussions = [
        {
            "num": number,
            "title": "Better",
            "author": {"name": by},
            "status": "merged",
            "isPullRequest": True,
        }
        for number, by in enumerate(("bob", "cid", "dan"), 1)
    ]
    return repo
