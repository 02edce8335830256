"""The model manager as a library: what is held is right, what is not is told by its true cause."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hub_server import HubRepo, HubServer, serve_hub
from weighbridge import model_manager
from weighbridge.doors.cli.app import main as weighbridge
from weighbridge.errors import (
    Conflict,
    DigestMismatch,
    Gated,
    HubDown,
    LicenseMismatch,
    NoSuchRepo,
    NoSuchRevision,
    RateLimited,
    WeighbridgeError,
)
from weighbridge.model_manager import (
    BadChecksumError,
    ConfigurationError,
    DownloadError,
    MissingModelError,
    ModelManager,
    ModelManagerError,
    ModelsConfig,
    ModelSpec,
    download_model,
    ensure_models,
    get_model_path,
    is_cached,
    verify_model,
)

WEIGHTS = bytes(range(256)) * 300
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS, "empty.txt": b""}
ODD = {"model.onnx": b"onnx" * 9, "model.h5": b"h5" * 9, "model.gguf": b"GGUF" * 9}
LIST = """\
cache_dir: kept
verify: sha256
models:
  - {id: a, repo_id: org/a}
  - {id: b, repo_id: org/b, local_dir: nested/other, files: [config.json]}
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    for name in [name for name in os.environ if name.startswith(("HF_", "HUGGING", "WEIGHBRIDGE_"))]:
        monkeypatch.delenv(name)
    with serve_hub({"org/a": FILES, "org/b": FILES, "org/odd": ODD}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("HOME", str(tmp_path / "user"))
        monkeypatch.setenv("WEIGHBRIDGE_HOME", str(tmp_path / "home"))
        monkeypatch.chdir(tmp_path)
        (tmp_path / "models.yaml").write_text(LIST)
        yield server


def files_in(folder: Path | str) -> dict[str, bytes]:
    base = Path(folder)
    return {p.relative_to(base).as_posix(): p.read_bytes() for p in base.rglob("*") if p.is_file()}


def test_every_documented_name_is_public() -> None:
    documented = "ensure_models is_cached get_model_path download_model verify_model ModelManager ModelSpec "
    documented += "ModelsConfig ModelManagerError MissingModelError BadChecksumError DownloadError "
    assert set((documented + "ConfigurationError").split()) == set(model_manager.__all__)
    kinds = (MissingModelError, BadChecksumError, DownloadError, ConfigurationError)
    assert all(issubclass(kind, ModelManagerError) for kind in kinds)
    assert issubclass(ModelManagerError, WeighbridgeError)


def test_ensure_models_gives_the_folder_of_each(hub: HubServer, tmp_path: Path) -> None:
    paths = ensure_models("models.yaml")
    assert paths == {"a": str(tmp_path / "kept" / "a"), "b": str(tmp_path / "kept" / "nested" / "other")}
    assert files_in(paths["a"]) == FILES
    assert files_in(paths["b"]) == {"config.json": b"{}"}
    assert (tmp_path / "models.lock").exists()
    elsewhere = ensure_models(tmp_path / "models.yaml", cache_dir="elsewhere")
    assert elsewhere["a"] == str(tmp_path / "elsewhere" / "a")
    assert files_in(elsewhere["a"]) == FILES


def test_the_manager_ensures_one_or_all_and_knows_its_specs(hub: HubServer) -> None:
    manager = ModelManager.from_config("models.yaml")
    spec = manager.get_model_spec("b")
    assert (spec.id, spec.repo_id, spec.revision, spec.local_dir) == ("b", "org/b", "main", "nested/other")
    assert spec.files == ["config.json"]
    assert manager.get_model_spec("a").files is None
    assert [model.id for model in manager.config.models] == ["a", "b"]
    assert manager.config.verify == "sha256"
    path = manager.ensure_model("b")
    assert path == get_model_path(spec, manager.config.cache_dir)
    assert is_cached(spec, manager.config.cache_dir)
    assert not is_cached(manager.get_model_spec("a"), manager.config.cache_dir)
    assert manager.ensure_all()["b"] == path
    with pytest.raises(MissingModelError, match="no model 'c' is configured"):
        manager.get_model_spec("c")
    with pytest.raises(MissingModelError):
        manager.ensure_model("c")


def test_with_the_hub_down_what_is_held_works_and_makes_no_request(hub: HubServer) -> None:
    manager = ModelManager.from_config("models.yaml")
    paths = manager.ensure_all()
    hub.forget()
    hub.fault(status=503)
    assert manager.ensure_all() == paths
    assert all(is_cached(spec, manager.config.cache_dir) for spec in manager.config.models)
    for path in paths.values():
        verify_model(path, "sha256")
    assert hub.requests == []


def test_with_the_hub_down_a_new_model_fails_and_the_held_ones_work(hub: HubServer, tmp_path: Path) -> None:
    paths = ensure_models("models.yaml")
    (tmp_path / "models.yaml").write_text(LIST + "  - {id: new, repo_id: org/odd}\n")
    hub.fault(status=403, headers={"X-Error-Code": "GatedRepo"})
    with pytest.raises(DownloadError) as caught:
        ensure_models("models.yaml")
    assert caught.value.paths == paths
    assert list(caught.value.failures) == ["new"]
    hub.forget()
    assert ensure_models("models.yaml")["new"] == str(tmp_path / "kept" / "new")


@pytest.mark.parametrize("change", ["revision", "repo_id", "files"])
def test_a_changed_spec_is_not_held_and_never_an_old_folder(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    hub.repos["org/a"].commit({**FILES, "config.json": b'{"v": 2}'}, branch="v2")
    first = ModelSpec("a", "org/a", files=["config.json"])
    download_model(first, "cache")
    assert is_cached(first, "cache")
    changes: dict[str, Any] = {"revision": "v2", "repo_id": "org/b", "files": ["config.json", "empty.txt"]}
    other = replace(first, **{change: changes[change]})
    assert not is_cached(other, "cache")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DownloadError) as caught:
        download_model(other, "cache")
    assert isinstance(caught.value.__cause__, HubDown)
    assert is_cached(first, "cache")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    download_model(other, "cache")
    assert is_cached(other, "cache")
    assert not is_cached(first, "cache")


def test_a_moved_branch_does_not_move_what_was_pinned(hub: HubServer, tmp_path: Path) -> None:
    spec = ModelSpec("a", "org/a")
    path = download_model(spec, "cache")
    hub.repos["org/a"].commit({**FILES, "config.json": b'{"v": 2}'})
    assert download_model(spec, "cache") == path
    assert files_in(path) == FILES
    shutil.rmtree(path)
    assert not is_cached(spec, "cache")
    download_model(spec, "cache")
    assert files_in(path) == FILES
    (tmp_path / "cache" / ".weighbridge" / "pins" / "a.lock").unlink()
    download_model(spec, "cache")
    assert files_in(path)["config.json"] == b'{"v": 2}'


def test_an_interrupted_folder_is_not_cached(hub: HubServer) -> None:
    spec = ModelSpec("a", "org/a")
    path = Path(download_model(spec, "cache"))
    (path / "model.safetensors").unlink()
    assert not is_cached(spec, "cache")
    (path / "model.safetensors").write_bytes(bytes(len(WEIGHTS)))
    assert not is_cached(spec, "cache")
    download_model(spec, "cache")
    assert files_in(path) == FILES


def test_a_folder_from_elsewhere_is_cached_if_every_byte_is_right(hub: HubServer, tmp_path: Path) -> None:
    spec = ModelSpec("a", "org/a")
    download_model(spec, "cache")
    shutil.copytree(tmp_path / "cache", tmp_path / "copied")
    assert is_cached(spec, "copied")
    (tmp_path / "copied" / "a" / "config.json").unlink()
    (tmp_path / "copied" / "a" / "config.json").write_bytes(b"[]")
    assert not is_cached(spec, "copied")


def test_gguf_onnx_h5_and_empty_files_are_models_like_any_other(hub: HubServer) -> None:
    assert files_in(download_model(ModelSpec("odd", "org/odd"), "cache")) == ODD
    only = ModelSpec("gguf", "org/odd", files=["*.gguf"])
    assert list(files_in(download_model(only, "cache"))) == ["model.gguf"]
    empty = ModelSpec("empty", "org/a", files=["empty.txt"])
    assert files_in(download_model(empty, "cache")) == {"empty.txt": b""}
    assert is_cached(empty, "cache")


@pytest.mark.parametrize(
    ("revision", "fault", "cause"),
    [
        ("main", {"status": 429, "headers": {"Retry-After": "9999"}}, RateLimited),
        ("main", {"status": 403, "headers": {"X-Error-Code": "GatedRepo"}}, Gated),
        ("main", {"status": 404, "headers": {"X-Error-Code": "RepoNotFound"}}, NoSuchRepo),
        ("gone", {"at": "nothing"}, NoSuchRevision),
    ],
)
def test_the_true_cause_of_a_failed_download_is_told(
    hub: HubServer, revision: str, fault: dict[str, Any], cause: type[WeighbridgeError]
) -> None:
    hub.fault(**fault)
    with pytest.raises(DownloadError) as caught:
        download_model(ModelSpec("a", "org/a", revision), "cache")
    assert isinstance(caught.value.__cause__, cause)
    assert caught.value.hint == caught.value.__cause__.hint
    assert str(caught.value).startswith("a: ")


def test_a_hub_that_asks_twice_for_a_pause_is_survived(hub: HubServer) -> None:
    busy = {"status": 429, "headers": {"Retry-After": "1"}, "times": 2}
    hub.fault("*/resolve/*/model.safetensors", **busy)
    assert files_in(download_model(ModelSpec("a", "org/a"), "cache")) == FILES
    assert len(hub.asked("*/resolve/*/model.safetensors")) == 3


def test_bytes_that_the_hub_did_not_list_are_a_bad_checksum_and_leave_nothing(hub: HubServer) -> None:
    hub.fault("*/resolve/*/model.safetensors", flip=3)
    spec = ModelSpec("a", "org/a")
    with pytest.raises(BadChecksumError, match=r"model\.safetensors") as caught:
        download_model(spec, "cache")
    assert isinstance(caught.value.__cause__, DigestMismatch)
    assert not Path(get_model_path(spec, "cache")).exists()
    assert not is_cached(spec, "cache")
    hub.forget()
    download_model(spec, "cache")
    assert is_cached(spec, "cache")


def test_other_reasons_are_download_errors_with_their_cause(hub: HubServer, tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        download_model(ModelSpec("a", "org/a", license="apache-2.0"), "cache")
    assert isinstance(caught.value.__cause__, LicenseMismatch)
    (tmp_path / "cache" / "a").mkdir(parents=True)
    (tmp_path / "cache" / "a" / "mine.txt").write_text("mine")
    with pytest.raises(DownloadError, match=r"mine\.txt") as caught:
        download_model(ModelSpec("a", "org/a"), "cache")
    assert isinstance(caught.value.__cause__, Conflict)
    with pytest.raises(ConfigurationError, match=r"'\*\.bin' matches no file"):
        download_model(ModelSpec("a", "org/a", files=["*.bin"]), "cache2")


def test_one_failed_model_does_not_stop_the_others(hub: HubServer, tmp_path: Path) -> None:
    gated = hub.repos["org/gated"] = HubRepo(FILES)
    gated.gated = True
    (tmp_path / "models.yaml").write_text(
        "models:\n  - {id: gone, repo_id: org/gone}\n  - {id: gated, repo_id: org/gated}\n"
        "  - {id: a, repo_id: org/a}\n"
    )
    with pytest.raises(DownloadError) as caught:
        ensure_models("models.yaml")
    error = caught.value
    assert error.paths == {"a": str(tmp_path / "models" / "a")}
    assert files_in(error.paths["a"]) == FILES
    assert [(id, type(failure.__cause__)) for id, failure in error.failures.items()] == [
        ("gone", NoSuchRepo),
        ("gated", Gated),
    ]
    assert "gone: " in str(error)
    assert "gated: " in str(error)
    (tmp_path / "models.yaml").write_text(
        "models:\n  - {id: gone, repo_id: org/gone}\n  - {id: b, repo_id: org/b, files: [none]}\n"
    )
    with pytest.raises(ModelManagerError) as mixed:
        ensure_models("models.yaml")
    assert type(mixed.value) is ModelManagerError
    assert [type(failure) for failure in mixed.value.failures.values()] == [DownloadError, ConfigurationError]


def test_verify_model_names_every_wrong_file_at_its_level(hub: HubServer, tmp_path: Path) -> None:
    path = Path(download_model(ModelSpec("a", "org/a", local_dir="deep/er"), "cache"))
    for level in ("none", "size", "sha256"):
        verify_model(path, level)
        verify_model(str(path), level)
    (path / "model.safetensors").unlink()
    (path / "model.safetensors").write_bytes(bytes(len(WEIGHTS)))
    verify_model(path, "size")
    with pytest.raises(BadChecksumError, match=r"deep/er/model\.safetensors") as caught:
        verify_model(path, "sha256")
    assert isinstance(caught.value.__cause__, DigestMismatch)
    (path / "config.json").unlink()
    with pytest.raises(BadChecksumError, match=r"config\.json' is missing"):
        verify_model(path, "none")
    with pytest.raises(BadChecksumError, match=r"(?s)config\.json.*model\.safetensors"):
        verify_model(path, "sha256")
    for level in ("md5", "", "SHA256"):
        with pytest.raises(ConfigurationError, match="is none of none, size, sha256"):
            verify_model(path, level)
    for unknown in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(MissingModelError):
            verify_model(unknown, "size")


def test_ensuring_checks_what_lies_there_and_heals_it(hub: HubServer) -> None:
    manager = ModelManager.from_config("models.yaml")
    path = Path(manager.ensure_model("a"))
    (path / "model.safetensors").chmod(0o644)
    (path / "model.safetensors").write_bytes(bytes(len(WEIGHTS)))
    assert not is_cached(manager.get_model_spec("a"), manager.config.cache_dir)
    assert manager.ensure_model("a") == str(path)
    assert files_in(path) == FILES


def test_bytes_that_rot_under_the_same_times_are_healed_where_every_byte_is_read(hub: HubServer) -> None:
    manager = ModelManager.from_config("models.yaml")
    path = Path(manager.ensure_model("a"))

    def rot() -> None:
        file = path / "model.safetensors"
        before = file.stat()
        file.chmod(0o644)
        with file.open("r+b") as held:
            held.write(b"!")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    rot()
    assert manager.ensure_model("a") == str(path)
    assert files_in(path) == FILES
    rot()
    with pytest.raises(BadChecksumError):
        verify_model(path, "sha256")
    assert not is_cached(manager.get_model_spec("a"), manager.config.cache_dir)
    download_model(manager.get_model_spec("a"), manager.config.cache_dir)
    assert files_in(path) == FILES


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"id": "../../etc"}, "may hold only letters"),
        ({"id": ""}, "may hold only letters"),
        ({"id": ".weighbridge"}, "may hold only letters"),
        ({"local_dir": "../out"}, "climbs out"),
        ({"local_dir": "/etc"}, "is absolute"),
        ({"local_dir": ".weighbridge/pins"}, "keeps its index"),
        ({"repo_id": "a/b/c"}, "more than one"),
        ({"repo_id": ""}, "empty part"),
        ({"revision": "../x"}, "git allows"),
        ({"revision": 12}, "must be a text"),
        ({"files": "config.json"}, "must be a list"),
        ({"files": ["config.json", 3]}, "must be a list"),
        ({"files": []}, "leave it out to take all files"),
        ({"kind": "table"}, "none of model"),
        ({"files": ["../x"]}, "no path below the repository"),
    ],
)
def test_a_spec_that_cannot_be_is_refused_when_it_is_made(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        ModelSpec(**{"id": "a", "repo_id": "org/a", **values})


def test_a_config_made_by_hand_pins_each_model_by_itself(hub: HubServer, tmp_path: Path) -> None:
    config = ModelsConfig([ModelSpec("a", "org/a"), ModelSpec("b", "org/b", files=["config.json"])], "cache")
    paths = ModelManager(config).ensure_all()
    assert files_in(paths["b"]) == {"config.json": b"{}"}
    pins = tmp_path / "cache" / ".weighbridge" / "pins"
    assert sorted(path.name for path in pins.iterdir()) == ["a.lock", "b.lock"]
    with pytest.raises(ConfigurationError, match="two models have the id 'A'"):
        ModelsConfig([ModelSpec("A", "org/a"), ModelSpec("a", "org/b")])
    with pytest.raises(ConfigurationError, match="share a folder"):
        ModelsConfig([ModelSpec("a", "org/a"), ModelSpec("b", "org/b", local_dir="a/in")])
    with pytest.raises(ConfigurationError, match="none of none, size, sha256"):
        ModelsConfig([], verify="md5")


def test_a_spec_of_a_list_is_pinned_by_its_lock_and_any_other_by_itself(
    hub: HubServer, tmp_path: Path
) -> None:
    spec = ModelManager.from_config("models.yaml").get_model_spec("a")
    download_model(spec, "cache")
    lock = (tmp_path / "models.lock").read_bytes()
    assert not (tmp_path / "cache" / ".weighbridge" / "pins").exists()
    other = replace(spec, files=["config.json"])
    assert not is_cached(other, "cache")
    download_model(other, "cache")
    assert (tmp_path / "models.lock").read_bytes() == lock
    assert (tmp_path / "cache" / ".weighbridge" / "pins" / "a.lock").exists()
    assert not is_cached(spec, "cache")


def test_after_an_upgrade_of_the_lock_the_old_folder_is_not_cached(hub: HubServer) -> None:
    manager = ModelManager.from_config("models.yaml")
    path = manager.ensure_model("a")
    hub.repos["org/a"].commit({**FILES, "config.json": b'{"v": 2}'})
    assert is_cached(manager.get_model_spec("a"), manager.config.cache_dir)
    with pytest.raises(SystemExit) as ended:
        weighbridge(["lock", "--upgrade", "a"])
    assert ended.value.code == 0
    assert not is_cached(manager.get_model_spec("a"), manager.config.cache_dir)
    assert manager.ensure_model("a") == path
    assert files_in(path)["config.json"] == b'{"v": 2}'


def test_a_bad_list_is_one_error_with_every_place(hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text(
        "verify: md5\nmodels:\n  - {id: ../../etc, repo_id: org/a}\n"
        "  - {id: n, repo_id: org/a, revision: 012}\n"
        "  - {id: n, repo_id: org/a}\n  - {id: o, repo_id: org/a, local_dir: /etc, reversion: x}\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        ModelManager.from_config("models.yaml")
    places = [line.split(": ")[0] for line in str(caught.value).splitlines()]
    assert places == [f"models.yaml:{place}" for place in ("1:9", "3:10", "4:39", "5:10", "6:40", "6:46")]
    with pytest.raises(ConfigurationError, match="there is no model list"):
        ensure_models("none.yaml")


def test_threads_that_want_the_same_model_all_get_it(hub: HubServer) -> None:
    spec, got = ModelSpec("a", "org/a"), list[dict[str, bytes]]()
    threads = [
        threading.Thread(target=lambda: got.append(files_in(download_model(spec, "cache")))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert got == [FILES] * 4
    assert is_cached(spec, "cache")


def _shorten(path: Path) -> None:
    os.truncate(path, max(0, path.stat().st_size - 1))


def _replace(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


def _zero(path: Path) -> None:
    size = path.stat().st_size
    path.unlink()
    path.write_bytes(bytes(size))


def _link(path: Path) -> None:
    path.symlink_to(path.rename(path.with_suffix(".kept")))


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _touch(path: Path) -> None:
    os.utime(path, (1, 1))


def _add_another(path: Path) -> None:
    path.with_name("another").write_bytes(b"")


DEEDS = {
    deed.__name__: deed
    for deed in (Path.unlink, _shorten, _replace, _zero, _link, _make_folder, _touch, _add_another)
}


@pytest.fixture
def held(hub: HubServer, tmp_path: Path) -> Path:
    """A cache folder with one model in it."""
    download_model(ModelSpec("a", "org/a"), tmp_path / "held")
    return tmp_path / "held"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(sorted(FILES)), st.sampled_from(sorted(DEEDS)), max_size=3))
def test_cached_is_just_what_has_the_right_bytes(held: Path, deeds: dict[str, str]) -> None:
    place = held.with_name(f"copy-{uuid4().hex}")
    shutil.copytree(held, place)
    spec = ModelSpec("a", "org/a")
    folder = Path(get_model_path(spec, place))
    for name, deed in deeds.items():
        (folder / name).chmod(0o644)
        DEEDS[deed](folder / name)
    right = all(
        (folder / name).is_file()
        and not (folder / name).is_symlink()
        and (folder / name).read_bytes() == content
        for name, content in FILES.items()
    )
    assert is_cached(spec, place) is right
    with nullcontext() if right else pytest.raises(BadChecksumError):
        verify_model(folder, "sha256")
    shutil.rmtree(place)
