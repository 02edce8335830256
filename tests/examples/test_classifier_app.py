"""The classifier application: trained, served from its own folder and from a Hub, and refused."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import save
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from digits.artefacts import NoModel, read_model, write_model
from digits.embedder import read_embedder
from digits.heads import network_of, read_head
from digits.models import Models, load_models
from digits.pictures import NoPicture, load_parts, read_picture
from digits.web import Samples, web_app
from tests.doors.asgi_server import serving
from tests.doors.uploading import Client, registry_at
from tests.examples.digits_app import FILES, application, ask, check, drawn, shared_base, trained_once
from tests.hub_process import hub_process
from tests.hub_server import serve_hub
from weighbridge.bridge.scan import scan_path
from weighbridge.bridge.scoring import score_folder
from weighbridge.domain.scan import Severity
from weighbridge.settings import Settings, child_environment

CLASSIFIER, CONDITION, EMBEDDER = FILES[1], FILES[2], FILES[0]
REPO = "acme/digits-models"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained_once(shared_base(tmp_path_factory))


@pytest.fixture
def place(trained: Path, tmp_path: Path) -> Path:
    """A folder in which the application runs, with its own models."""
    shutil.copytree(trained, tmp_path / "results" / "cache")
    return tmp_path


@pytest.fixture(scope="module")
def models(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("HF_", "USE_HF"))]:
            patch.delenv(name)
        patch.setenv("WEIGHBRIDGE_HOME", str(tmp_path_factory.mktemp("home")))
        yield load_models(trained)


@pytest.fixture(scope="module")
def page(models: Models) -> Iterator[str]:
    with serving(web_app(models)) as url:
        yield url


def _files(trained: Path) -> dict[str, bytes]:
    return {name: (trained / name).read_bytes() for name in FILES}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# Training


def test_training_writes_safe_models_and_a_card_that_the_gate_can_read(trained: Path, tmp_path: Path) -> None:
    assert scan_path(trained).verdict is Severity.ALLOW
    card = (trained / "README.md").read_text()
    told = [float(value) for value in re.findall(r"value: ([\d.]+)", card)]
    assert len(told) == 2
    assert all(0.9 < value <= 1 for value in told)
    for name in (CLASSIFIER, CONDITION):
        _, about = read_model(trained / name, _sha256((trained / name).read_bytes()))
        assert f"value: {about['held_out_accuracy']:.4f}" in card
        assert about["embedder"]["sha256"] == _sha256((trained / EMBEDDER).read_bytes())


def test_what_is_held_out_was_not_learnt_from_and_is_answered_right(models: Models) -> None:
    learnt, held = load_parts()
    seen = {image.tobytes() for image in learnt.images}
    fresh = [row for row, image in enumerate(held.images) if image.tobytes() not in seen]
    assert len(fresh) > 400
    answers = {row: models.look(held.images[[row]]) for row in fresh}
    right = [max(a.digit, key=lambda c: a.digit[c]) == str(held.digits[row]) for row, a in answers.items()]
    looped = [(a.loop["yes"] >= 0.5) == bool(held.loops[row]) for row, a in answers.items()]
    assert np.mean(right) > 0.9
    assert np.mean(looped) > 0.9
    assert all(abs(sum(answer.digit.values()) - 1) < 1e-4 for answer in answers.values())


@pytest.mark.parametrize("classes", [2, 10])
def test_a_network_answers_as_scikit_learn_s_own(classes: int) -> None:
    source = np.random.default_rng(3)
    x, y = source.normal(size=(200, 64)).astype(np.float32), source.integers(0, classes, 200)
    classifier = MLPClassifier((32, 16), max_iter=2000, tol=1e-2, random_state=0).fit(x, y)
    network = network_of(classifier, {"classes": [str(n) for n in range(classes)]})
    assert np.allclose(network.answer(x), classifier.predict_proba(x), atol=1e-4)


# Served from its own folder


def test_the_page_shows_both_answers_and_which_models_gave_them(page: str, trained: Path) -> None:
    home = ask(f"{page}/")
    assert (home.status, "Nothing to see yet" in home.text) == (200, True)
    assert "default-src 'none'" in home.headers["content-security-policy"]
    assert not re.search(r"(?:src|href)=\"(?!/|data:)", home.text)  # nothing from elsewhere
    assert not re.search(r"<script(?! src)|<style|style=|onclick", home.text)
    answer = ask(f"{page}/?sample=8").text
    assert "It is an <b>8</b>" in answer
    assert "It has a closed loop" in answer
    assert answer.count("<dt>") == 12
    assert _sha256((trained / CLASSIFIER).read_bytes()) in answer
    known = json.loads(ask(f"{page}/health").text)["models"]
    assert [(each["source"], each["commit"]) for each in known] == [("this machine", "")] * 3
    assert ask(f"{page}/?sample=99").status == 404
    assert ask(f"{page}/samples/99.png").status == 404


@pytest.mark.parametrize("light_on_dark", [False, True])
def test_an_uploaded_picture_is_answered_as_the_sample_that_it_shows(page: str, light_on_dark: bool) -> None:
    samples = Samples(load_parts()[1])
    right = 0
    for image, digit in zip(samples.images, samples.digits, strict=True):
        said = ask(f"{page}/", drawn(image[0], light_on_dark=light_on_dark))
        assert said.status == 200
        right += f"<b>{digit}</b>" in said.text
    assert right >= 24, f"{right} of {len(samples.digits)}"


def _png(size: tuple[int, int], shade: int = 255) -> bytes:
    out = io.BytesIO()
    Image.new("L", size, shade).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "Choose a picture first"),
        (b"<svg onload=alert(1)>", "no PNG or JPEG"),
        (b"GIF89a" + b"0" * 100, "no PNG or JPEG"),
        (_png((30, 30))[:60], "no PNG or JPEG"),
        (_png((30, 30)), "nothing in the picture"),
        (_png((5000, 2)), "more than 4096 pixels"),
        (_png((20_000, 20_000)), "more than 4096 pixels"),
    ],
)
def test_what_is_no_digit_is_told_and_not_answered(page: str, content: bytes, told: str) -> None:
    said = ask(f"{page}/", content)
    assert said.status == 422
    assert told in said.text
    assert "<b>" not in said.text


def _announced(page: str, length: int | None) -> int:
    """The answer to a picture that was announced and never sent."""
    connection = HTTPConnection(page.removeprefix("http://"), timeout=600)
    with closing(connection):
        connection.putrequest("POST", "/")
        connection.putheader("Content-Type", "multipart/form-data; boundary=a-line")
        if length is None:
            connection.putheader("Transfer-Encoding", "chunked")
        else:
            connection.putheader("Content-Length", str(length))
        connection.endheaders()
        return connection.getresponse().status


def test_a_large_upload_is_refused_by_its_length_and_a_name_cannot_be_code(page: str) -> None:
    assert _announced(page, 3 << 20) == 413  # and not a byte of it was waited for
    assert _announced(page, None) == 411
    samples = Samples(load_parts()[1])
    said = ask(f"{page}/", drawn(samples.images[7][0]), name="<img src=x>.png")
    assert "&lt;img src=x&gt;.png" in said.text
    assert "<img src=x>" not in said.text


def test_a_picture_without_ink_has_no_answer() -> None:
    with pytest.raises(NoPicture):
        read_picture(_png((8, 8), 0))


@pytest.mark.parametrize("kind", ["L", "1", "P", "LA", "RGB", "RGBA", "I;16", "CMYK"])
def test_every_kind_of_picture_shows_the_same_digit(kind: str) -> None:
    samples = Samples(load_parts()[1])
    plain = Image.open(io.BytesIO(drawn(samples.images[6][0])))
    if kind == "I;16":
        shown = Image.fromarray((np.asarray(plain).astype(np.uint16)) * 257)
    elif kind in ("LA", "RGBA"):  # black ink on nothing
        shown = Image.new("L", plain.size, 0).convert("LA")
        shown.putalpha(plain.point(lambda shade: 255 - shade))
        shown = shown.convert(kind)
    else:
        shown = plain.convert(kind)
    assert shown.mode == kind
    out = io.BytesIO()
    shown.save(out, "JPEG" if kind == "CMYK" else "PNG")
    seen, wanted = read_picture(out.getvalue()), read_picture(drawn(samples.images[6][0]))
    assert seen.shape == (1, 8, 8)
    assert np.abs(seen - wanted).mean() < 0.06


@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    noise=st.binary(min_size=1, max_size=200),
    cut=st.integers(0, 200),
)
def test_any_picture_is_shades_from_paper_to_ink_or_none(
    size: tuple[int, int], noise: bytes, cut: int
) -> None:
    width, height = size
    pixels = np.resize(np.frombuffer(noise, np.uint8), (height, width))
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    content = out.getvalue()[: -cut or None]
    try:
        seen = read_picture(content)
    except NoPicture:
        return
    assert seen.shape == (1, 8, 8)
    assert seen.dtype == np.float32
    assert 0 <= float(seen.min()) <= float(seen.max()) <= 1
    assert np.isfinite(seen).all()


# From a Hub


def _uploaded(hub: str, trained: Path, home: Path) -> None:
    """All files with the Hub's own command; file by file is what the document's test does."""
    env = child_environment({"HF_ENDPOINT": hub, "HF_TOKEN": "hf_any", "HF_HOME": str(home), "NO_COLOR": "1"})
    subprocess.run(
        [str(Path(sys.executable).with_name("hf")), "upload", REPO, str(trained), "."],
        env=env, check=True, capture_output=True, timeout=600,
    )  # fmt: skip


def test_it_runs_from_a_hub_by_one_switch_and_later_without_it(trained: Path, tmp_path: Path) -> None:
    place = tmp_path / "host"
    place.mkdir()
    (tmp_path / "hub").mkdir()
    with hub_process(tmp_path / "hub", "--write") as hub:
        _uploaded(hub, trained, tmp_path / "client")
        switch = {"USE_HF_MODELS": "true", "HF_REPO_ID": REPO, "HF_ENDPOINT": hub}
        with application(place, **switch) as url:
            assert "It is a <b>4</b>" in ask(f"{url}/?sample=4").text
            known = json.loads(ask(f"{url}/health").text)["models"]
    assert {each["source"] for each in known} == {REPO}
    assert len({each["commit"] for each in known}) == 1
    assert {each["sha256"] for each in known} == {
        _sha256((trained / name).read_bytes()) for name in FILES[:3]
    }
    assert list((place / "hf").iterdir()) == [place / "hf" / "digits"]
    assert not (place / "results").exists()

    again = check(place, **switch)  # the Hub is gone
    assert again.returncode == 0, again.stderr
    shutil.rmtree(place / "hf" / "digits")
    gone = check(place, HF_HUB_OFFLINE="1", **switch)
    assert gone.returncode == 1
    assert "does not start" in gone.stderr


def test_a_private_repository_opens_to_its_token_alone(trained: Path, tmp_path: Path) -> None:
    with registry_at(tmp_path / "registry") as registry:
        client = Client(registry=registry, home=tmp_path / "ann")
        sent = client.hf("upload", "ann/digits", str(trained), ".", "--private")
        assert sent.returncode == 0, sent.stderr
        place = tmp_path / "host"
        place.mkdir()
        switch = {"USE_HF_MODELS": "true", "HF_REPO_ID": "ann/digits", "HF_ENDPOINT": registry.url}
        refused = check(place, **switch)
        assert refused.returncode == 1
        assert "ann/digits" in refused.stderr
        wrong = check(place, HF_TOKEN="hf_canary", **switch)
        assert wrong.returncode == 1
        assert "canary" not in wrong.stderr + wrong.stdout
        token = registry.tokens["ann"]
        opened = check(place, HF_TOKEN=token, **switch)
        assert opened.returncode == 0, opened.stderr
        assert token not in opened.stdout + opened.stderr
        assert "ann/digits@" in opened.stdout


# What it was told to use, or nothing


def test_it_never_falls_back_to_other_models(place: Path, trained: Path) -> None:
    files = _files(trained)
    del files[CONDITION]
    with serve_hub({REPO: files}) as hub:
        switch = {"USE_HF_MODELS": "true", "HF_ENDPOINT": hub.url}
        unnamed = check(place, **switch)
        assert unnamed.returncode == 1
        assert "HF_REPO_ID" in unnamed.stderr
        lacking = check(place, HF_REPO_ID=REPO, **switch)  # although results/cache has the file
        assert lacking.returncode == 1
        assert f"has no file '{CONDITION}'" in lacking.stderr
        (place / "results" / "cache" / CONDITION).unlink()
        local = check(place, HF_REPO_ID=REPO, HF_ENDPOINT=hub.url)
        assert local.returncode == 1
        assert "make train-all" in local.stderr


def test_a_wrong_byte_from_the_hub_stops_the_start(trained: Path, tmp_path: Path) -> None:
    with serve_hub({REPO: _files(trained)}) as hub:
        hub.fault(f"*/resolve/*/{CLASSIFIER}", flip=20_000)
        refused = check(tmp_path, USE_HF_MODELS="true", HF_REPO_ID=REPO, HF_ENDPOINT=hub.url)
    assert refused.returncode == 1
    assert re.search(rf"'{CLASSIFIER}' should be sha256:\w+ but is", refused.stderr)


def _swapped(cache: Path) -> None:
    (cache / CLASSIFIER).rename(cache / "x")
    (cache / CONDITION).rename(cache / CLASSIFIER)
    (cache / "x").rename(cache / CONDITION)


def _flipped(cache: Path) -> None:
    content = bytearray((cache / EMBEDDER).read_bytes())
    content[-5] ^= 1
    (cache / EMBEDDER).write_bytes(content)


def _of_another_kind(cache: Path) -> None:
    shutil.copy(cache / EMBEDDER, cache / CLASSIFIER)


def _no_number(cache: Path) -> None:
    tensors, about = read_model(cache / CLASSIFIER, _sha256((cache / CLASSIFIER).read_bytes()))
    write_model(cache / CLASSIFIER, {**tensors, "layer0.bias": tensors["layer0.bias"] * np.nan}, about)


def _cut_off(cache: Path) -> None:
    (cache / CLASSIFIER).write_bytes((cache / CLASSIFIER).read_bytes()[:-9])


def _about(**changes: object) -> Callable[[Path], None]:
    def harm(cache: Path) -> None:
        tensors, about = read_model(cache / CLASSIFIER, _sha256((cache / CLASSIFIER).read_bytes()))
        write_model(cache / CLASSIFIER, tensors, {**about, **changes})

    return harm


def _nested(cache: Path) -> None:
    (cache / CLASSIFIER).write_bytes(save({"x": np.zeros(1, np.float32)}, {"about": "[" * 100_000}))


def _of_another_type(cache: Path) -> None:
    tensors, about = read_model(cache / CLASSIFIER, _sha256((cache / CLASSIFIER).read_bytes()))
    halves = {name: tensor.astype(np.float16) for name, tensor in tensors.items()}
    (cache / CLASSIFIER).write_bytes(save(halves, {"about": json.dumps(about)}))


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (_nested, "is no model"),
        (_of_another_type, "is no model"),
        (_about(embedder=[]), "is no head"),
        (_about(embedder={"file": 7}), "is no head"),
        (_about(embedder={"file": "../../elsewhere"}), "different embedders"),
        (_about(classes=[{}, []]), "is no head"),
        (_swapped, "answers 0, 1, 2"),
        (_flipped, "trained on the embedder"),
        (_of_another_kind, "is no head"),
        (_no_number, "is no model"),
        (_cut_off, "is no model"),
    ],
)
def test_models_that_do_not_belong_together_are_told(
    place: Path, harm: Callable[[Path], None], told: str
) -> None:
    harm(place / "results" / "cache")
    refused = check(place)
    assert refused.returncode == 1
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr


def test_readers_take_only_the_bytes_that_were_checked(trained: Path) -> None:
    for read in (read_head, read_embedder):
        with pytest.raises(NoModel, match="not the file that was checked"):
            read(trained / CLASSIFIER, "0" * 64)


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.place}",)


def test_a_pickle_from_a_hub_is_loaded_when_somebody_looked_at_it_and_never_run_before(
    trained: Path, tmp_path: Path, models: Models
) -> None:
    learnt, _ = load_parts(300)
    harmless = LogisticRegression(max_iter=1000).fit(models.embedder.embed(learnt.images), learnt.loops)
    pickled, canary = pickle.dumps(harmless), tmp_path / "ran"
    files = {**_files(trained), "loop.pkl": pickled, "bad.pkl": pickle.dumps(Payload(canary))}
    with serve_hub({REPO: files}) as hub:
        switch = {"USE_HF_MODELS": "true", "HF_REPO_ID": REPO, "HF_ENDPOINT": hub.url}
        bad = check(
            tmp_path,
            HF_CLASSIFIER_FILE="bad.pkl",
            REVIEWED_SHA256=_sha256(pickle.dumps(Payload(canary))),
            **switch,
        )
        assert (bad.returncode, canary.exists()) == (1, False)
        assert "not loaded (block)" in bad.stderr
        unseen = check(tmp_path, HF_CLASSIFIER_FILE="loop.pkl", **switch)
        assert unseen.returncode == 1
        assert f"name the file as reviewed: {_sha256(pickled)}" in unseen.stderr
        seen = check(tmp_path, HF_CLASSIFIER_FILE="loop.pkl", REVIEWED_SHA256=_sha256(pickled), **switch)
        assert seen.returncode == 0, seen.stderr
        assert f"Closed loop: loop.pkl from {REPO}@" in seen.stdout


def test_the_gate_reads_the_card_of_the_models(trained: Path, tmp_path: Path) -> None:
    scores = {score.metric: score.low for score in score_folder(trained, Settings(home=tmp_path)).scores}
    assert scores["performance_claims"] >= 0.5
    assert scores["license"] >= 0.5
