"""Starts that fail: each at its step, with its cause, before anything is loaded."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import traceback
from pathlib import Path

import pytest

from tests.hub_server import HubRepo
from tests.runtime.starting import (
    ADAPTER,
    AS_FOLDER,
    AS_GGUF,
    AS_LORA,
    BASE,
    CANARY,
    GGUF,
    Yard,
    card,
    tensors,
)
from tests.tiny_gguf import tiny_gguf
from weighbridge.errors import (
    BadInput,
    CannotLoad,
    DigestMismatch,
    Gated,
    LicenseNotAllowed,
    MissingExtra,
    NoAnswer,
    NoSuchRepo,
    NoSuchRevision,
    StartFailed,
    StoreDown,
    UnsafeFiles,
)
from weighbridge.runtime import load_from_env

OTHER = "0" * 64


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"MODEL_TYPE": ""}, "MODEL_TYPE is not set: it is one of gguf, lora, transformers"),
        ({"MODEL_TYPE": "onnx"}, "MODEL_TYPE is 'onnx'"),
        ({"MODEL_REGISTRY": "s3"}, "MODEL_REGISTRY is 's3'"),
        ({"MODEL_ID": ""}, "MODEL_ID is not set"),
        ({"MODEL_ID": "../../etc"}, "MODEL_ID: repository id"),
        ({"MODEL_VERSION": "a..b"}, "MODEL_VERSION: revision"),
        ({"MODEL_FILE": "model.bin"}, "MODEL_FILE is 'model.bin'"),
        ({"MODEL_SHA256": "abc"}, "MODEL_SHA256 is not 64 hexadecimal digits"),
        ({"MODEL_URL": "ftp://x/m.gguf"}, "MODEL_URL is no address"),
        ({"MODEL_URL": "https://x/m.gguf"}, "MODEL_URL needs MODEL_SHA256"),
        ({"MODEL_URL": "http://[", "MODEL_FILE": ""}, "MODEL_URL is no address"),
        ({"MODEL_URL": "https:///m.gguf"}, "MODEL_URL is no address"),
        ({"MODEL_URL": "https://x/get?id=1", "MODEL_FILE": ""}, "MODEL_FILE is not set"),
        ({"MODEL_URL": "https://x/m.gguf", "MODEL_FILE": "../m.gguf"}, "MODEL_FILE climbs out"),
        ({"MODEL_URL": "https://x/m.gguf", "MODEL_REGISTRY": "huggingface"}, "one of them is not meant"),
        ({"MODEL_REGISTRY": "url"}, "MODEL_URL is not set"),
        ({"ALLOWED_LICENSES": "mit,apache2"}, "no licence that is known: apache2"),
        ({"ALLOWED_FINDINGS": "everything"}, "no rule of the scanners: everything"),
        ({"MODEL_TYPE": "lora"}, "BASE_MODEL is not set"),
        ({"WEIGHBRIDGE_CONNECTIONS": "many"}, "WEIGHBRIDGE_CONNECTIONS is 'many'"),
        ({"HF_ENDPOINT": "nowhere"}, "HF_ENDPOINT is not"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_variable_is_named(at: Yard, changes: dict[str, str], told: str) -> None:
    failed = at.failure(AS_GGUF, **changes)
    assert failed.step == "read environment"
    assert isinstance(failed.cause, BadInput)
    assert told in str(failed)
    assert at.hub.requests == []


def test_everything_that_is_wrong_is_named_at_once(at: Yard) -> None:
    failed = at.failure({"MODEL_TYPE": "lora", "LORA_ID": "a/b/c", "MODEL_SHA256": "x"})
    assert [word in str(failed) for word in ("LORA_ID", "BASE_MODEL", "MODEL_SHA256")] == [True] * 3


@pytest.mark.parametrize(
    ("wish", "changes", "cause", "told"),
    [
        (AS_GGUF, {"MODEL_ID": "acme/none"}, NoSuchRepo, "'acme/none' not found"),
        (AS_GGUF, {"MODEL_VERSION": "v9"}, NoSuchRevision, "no revision 'v9'"),
        (AS_GGUF, {"MODEL_FILE": "big.gguf"}, BadInput, "is no file of acme/tiny"),
        (AS_GGUF, {"MODEL_FILE": ""}, BadInput, "has tiny.F32.gguf, tiny.Q4.gguf"),
        (AS_GGUF, {"MODEL_ID": "acme/base"}, BadInput, "is no file of acme/base"),
        (AS_LORA, {"LORA_ID": "acme/base"}, BadInput, "has no adapter_config.json"),
        (AS_LORA, {"BASE_MODEL": "acme/tiny"}, BadInput, "has no config.json"),
        (AS_LORA, {"BASE_MODEL": "acme/none"}, NoSuchRepo, "'acme/none' not found"),
        (AS_LORA, {"BASE_REVISION": "v9"}, NoSuchRevision, "'acme/base' has no revision 'v9'"),
    ],
)
def test_what_is_not_there_fails_to_resolve(
    at: Yard, wish: dict[str, str], changes: dict[str, str], cause: type[Exception], told: str
) -> None:
    failed = at.failure(wish, **changes)
    assert failed.step == "resolve"
    assert isinstance(failed.cause, cause)
    assert told in str(failed)
    assert not list(at.cache.rglob("*.gguf"))


def test_pickled_weights_alone_are_refused_before_they_are_fetched(at: Yard) -> None:
    files = {name: content for name, content in BASE.items() if not name.endswith(".safetensors")}
    at.hub.repos["acme/pickled"] = HubRepo(files)
    failed = at.failure(AS_FOLDER, MODEL_ID="acme/pickled")
    assert failed.step == "resolve"
    assert "pytorch_model.bin, which is unpickled" in str(failed)
    assert at.hub.asked("*.bin") == []


def test_a_missing_part_of_a_model_is_named(at: Yard) -> None:
    at.hub.repos["acme/parts"] = HubRepo({"m-00001-of-00002.gguf": tiny_gguf()})
    wish = {"MODEL_ID": "acme/parts", "MODEL_TYPE": "gguf", "MODEL_FILE": "m-00001-of-00002.gguf"}
    assert "has no m-00002-of-00002.gguf" in str(at.failure(wish))


def test_a_gated_model_is_told_from_a_missing_one(at: Yard) -> None:
    at.hub.repos["acme/tiny"].gated = True
    failed = at.failure(AS_GGUF, HF_TOKEN="")
    assert (failed.step, type(failed.cause)) == ("resolve", Gated)


def test_a_hub_that_is_away_is_told_from_a_missing_model(at: Yard) -> None:
    failed = at.failure(AS_GGUF, HF_ENDPOINT="http://127.0.0.1:9", HF_HUB_OFFLINE="1")
    assert (failed.step, type(failed.cause)) == ("resolve", NoAnswer)


def test_a_byte_that_changed_on_the_way_is_found(at: Yard) -> None:
    at.hub.fault("*/resolve/*/tiny.Q4.gguf", flip=1000)
    failed = at.failure(AS_GGUF)
    assert (failed.step, type(failed.cause)) == ("fetch", DigestMismatch)
    at.hub.forget()
    assert at.start(AS_GGUF).report.passed


def test_an_adapter_for_another_base_is_refused_before_the_base_is_fetched(at: Yard) -> None:
    at.hub.repos["acme/other"] = HubRepo({**BASE, "model.safetensors": tensors("x") + bytes(20_000)})
    failed = at.failure(AS_LORA, BASE_MODEL="acme/other")
    assert failed.step == "fetch"
    assert "BASE_MODEL is 'acme/other', but the adapter acme/lora was made for 'acme/base'" in str(failed)
    assert "ALLOW_OTHER_BASE=1" in failed.hint
    assert at.hub.asked("*/model.safetensors") == []


@pytest.mark.parametrize("recorded", ["/home/ann/llama", "./base", "acme/base-2"])
def test_a_recorded_path_is_no_agreement(at: Yard, recorded: str) -> None:
    config = f'{{"base_model_name_or_path": "{recorded}", "peft_type": "LORA"}}'.encode()
    at.hub.repos["acme/lora"].commit({**ADAPTER, "adapter_config.json": config})
    assert repr(recorded) in str(at.failure(AS_LORA))
    assert at.start(AS_LORA, ALLOW_OTHER_BASE="1").report.passed


def test_another_sha256_than_the_listed_one_is_found_without_the_download(at: Yard) -> None:
    failed = at.failure(AS_GGUF, MODEL_SHA256=OTHER)
    assert (failed.step, type(failed.cause)) == ("verify", DigestMismatch)
    assert "(MODEL_SHA256)" in str(failed)
    assert at.hub.asked("*.gguf") == []


def test_another_sha256_at_an_address_is_found(at: Yard) -> None:
    address = f"{at.hub.url}/acme/tiny/resolve/main/tiny.Q4.gguf?key={CANARY}"
    failed = at.failure(AS_GGUF, MODEL_URL=address, MODEL_SHA256=OTHER)
    assert (failed.step, type(failed.cause)) == ("fetch", DigestMismatch)
    gone = at.failure(AS_GGUF, MODEL_URL=address.replace("Q4", "Q5"), MODEL_SHA256=OTHER, MODEL_VERSION="v2")
    assert gone.step == "resolve"
    assert "127.0.0.1" not in f"{gone} {gone.hint} {gone.cause}"


def test_checksums_that_disagree_are_named(at: Yard) -> None:
    listed = f"{OTHER} *./tiny.Q4.gguf\n# a remark\n".encode()
    at.hub.repos["acme/tiny"].commit({**GGUF, "SHA256SUMS": listed})
    failed = at.failure(AS_GGUF)
    assert (failed.step, type(failed.cause)) == ("verify", DigestMismatch)
    assert "(SHA256SUMS)" in str(failed)


def test_a_byte_that_was_changed_on_the_disk_is_found_and_named(at: Yard) -> None:
    file = at.start(AS_GGUF).folder / "tiny.Q4.gguf"
    was = file.stat()
    file.chmod(0o644)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    with file.open("r+b") as opened:
        opened.write(content)
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
    failed = at.failure(AS_GGUF)
    assert (failed.step, type(failed.cause)) == ("verify", DigestMismatch)
    assert "tiny.Q4.gguf" in str(failed)


def test_a_file_that_was_rewritten_is_healed(at: Yard) -> None:
    file = at.start(AS_GGUF).folder / "tiny.Q4.gguf"
    file.unlink()
    file.write_bytes(b"another")
    assert at.start(AS_GGUF).report.passed
    assert file.read_bytes() == GGUF["tiny.Q4.gguf"]


def _without(content: bytes, key: str) -> bytes:
    """The file with a key of its metadata spelled wrongly."""
    return content.replace(key.encode(), key[:-1].encode() + b"_")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04" + bytes(4000), "does not begin with GGUF"),
        (tiny_gguf()[:300_000], "ends behind the file"),
        (tiny_gguf()[:2000], "no sound GGUF file"),
        (tiny_gguf().replace(b"GGUF\x03", b"GGUF\x09", 1), "is of version 9"),
        (_without(tiny_gguf(), "tokenizer.ggml.model"), "does not say its tokenizer"),
        (_without(tiny_gguf(), "general.architecture"), "does not say its architecture"),
        (_without(tiny_gguf(), "llama.context_length"), "does not say its context_length"),
    ],
    ids=["zip", "cut", "cut head", "version", "tokenizer", "architecture", "context"],
)
def test_a_gguf_that_cannot_run_is_told_by_its_head(at: Yard, content: bytes, told: str) -> None:
    at.hub.repos["acme/tiny"].commit({**GGUF, "tiny.Q4.gguf": content})
    failed = at.failure(AS_GGUF)
    assert (failed.step, type(failed.cause)) == ("verify", CannotLoad)
    assert told in str(failed)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"config.json": b'{"auto_map": {"AutoModel": "modeling.Evil"}}'}, "code that it brings itself"),
        ({"config.json": b"[1]"}, "'config.json' is not a JSON object"),
        ({"config.json": b"{"}, "'config.json' is not JSON"),
        ({"tokenizer.json": None}, "has no tokenizer"),
    ],
)
def test_a_folder_that_cannot_be_loaded_is_told(at: Yard, files: dict[str, bytes | None], told: str) -> None:
    changed = {name: content for name, content in {**BASE, **files}.items() if content is not None}
    at.hub.repos["acme/base"].commit(changed)
    failed = at.failure(AS_FOLDER)
    assert (failed.step, type(failed.cause)) == ("verify", CannotLoad)
    assert told in str(failed)


@pytest.mark.parametrize(
    ("root", "allowed", "told"),
    [
        (card("cc-by-nc-4.0"), "mit,apache-2.0", "cc-by-nc-4.0 (of the base model acme/base) is none of"),
        (b"# no licence", "mit", "no licence is known of the base model acme/base"),
        (None, "mit", "no licence is known of the base model acme/base"),
        (card("mit"), "apache-2.0", "mit is none of apache-2.0"),
    ],
)
def test_a_licence_that_is_not_allowed_fails(at: Yard, root: bytes | None, allowed: str, told: str) -> None:
    del at.hub.repos["acme/base"]
    if root is not None:
        at.hub.repos["acme/base"] = HubRepo({"README.md": root})
        at.hub.repos["acme/base"].info = {"tags": []}
    failed = at.failure(AS_GGUF, ALLOWED_LICENSES=allowed)
    assert (failed.step, type(failed.cause)) == ("licence", LicenseNotAllowed)
    assert told in str(failed)


def test_a_base_model_that_cannot_be_asked_for_fails(at: Yard) -> None:
    at.hub.repos["acme/base"].gated = True
    failed = at.failure(AS_GGUF, ALLOWED_LICENSES="mit", HF_TOKEN="")
    assert failed.step == "licence"
    assert "acme/base could not be read" in str(failed)


def test_a_line_of_base_models_without_end_fails(at: Yard) -> None:
    at.hub.repos["acme/base"].info = {"tags": []}
    at.hub.repos["acme/base"].commit({"README.md": card("mit", "acme/b0")})
    for number in range(20):
        repo = HubRepo({"README.md": card("mit", f"acme/b{number + 1}")})
        repo.info = {"tags": []}
        at.hub.repos[f"acme/b{number}"] = repo
    failed = at.failure(AS_GGUF, ALLOWED_LICENSES="mit")
    assert failed.step == "licence"


def test_what_the_scanners_block_is_never_loaded(at: Yard) -> None:
    bad = tiny_gguf(1, tokenizer__chat_template="{{ ''.__class__.__mro__[1].__subclasses__() }}")
    at.hub.repos["acme/tiny"].commit({**GGUF, "tiny.Q4.gguf": bad})
    failed = at.failure(AS_GGUF, ALLOWED_FINDINGS="template.unsafe")
    assert (failed.step, type(failed.cause)) == ("scan", UnsafeFiles)
    assert "template.unsafe, block" in str(failed)
    assert "never loaded" in failed.hint


def test_a_library_that_is_missing_is_named(at: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", None)  # how Python itself says that there is none
    failed = at.failure(AS_GGUF, into_memory=True)
    assert (failed.step, type(failed.cause)) == ("load", MissingExtra)
    assert failed.hint == "pip install 'weighbridge[gguf]'"
    assert [step.outcome.value for step in failed.report.steps][-2:] == ["passed", "failed"]


def test_a_cache_folder_that_cannot_be_is_named(at: Yard, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    failed = at.failure(AS_GGUF, CACHE_DIR=str(tmp_path / "file" / "models"))
    assert "CACHE_DIR" in failed.hint


@pytest.mark.parametrize("name", ["x" * 300, "no\udcffutf-8"], ids=["long", "bytes"])
def test_any_name_of_a_cache_folder_works_or_is_named(at: Yard, name: str) -> None:
    if len(name) < 255:
        assert at.start(AS_GGUF, CACHE_DIR=str(at.place / name)).report.passed
        assert at.start(AS_GGUF, CACHE_DIR=str(at.place / name)).report.passed
    else:
        assert isinstance(at.failure(AS_GGUF, CACHE_DIR=str(at.place / name)).cause, StoreDown)


def test_the_published_sha256_is_the_files_own(at: Yard) -> None:
    right = hashlib.sha256(GGUF["tiny.Q4.gguf"]).hexdigest()
    assert at.start(AS_GGUF, MODEL_SHA256=f"sha256:{right.upper()}").report.passed


def test_each_step_is_logged_with_model_version_and_commit(
    at: Yard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    with caplog.at_level(logging.INFO, "weighbridge.runtime"), pytest.raises(StartFailed):
        load_from_env(at.environ(**AS_GGUF))
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    head = at.hub.repos["acme/tiny"].head
    assert ("WARNING", f"start-up, resolve: 'main' of acme/tiny can move; it is kept at {head} from now on: "
            "name this commit as the version") in lines  # fmt: skip
    assert any(f"acme/tiny@main is commit {head}" in line for _, line in lines)
    level, last = lines[-1]
    assert level == "ERROR"
    assert last.startswith("start-up, load: failed in ")
    assert CANARY not in caplog.text


def test_a_hub_that_repeats_the_token_does_not_get_it_into_an_error(
    at: Yard, caplog: pytest.LogCaptureFixture
) -> None:
    said = f"the token {CANARY} is bad"
    at.hub.fault("*", status=403, headers={"X-Error-Message": said}, body=said.encode())
    with caplog.at_level(logging.DEBUG):
        failed = at.failure(AS_GGUF)
    assert failed.step == "resolve"
    told = "".join(traceback.format_exception(failed))
    assert CANARY not in told + caplog.text + repr(failed.cause)
