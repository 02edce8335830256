"""The example back end: it starts whole or not at all, and tells browsers no secrets."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from commerce.products import PRODUCTS, TONES
from commerce.web import AT_ONCE, web_app
from tests.browser import browser, needs_chromium
from tests.doors.asgi_server import call, serving
from tests.hub_process import hub_process, write_repo
from tests.loaders.environments import alone, clean, interpreter
from tests.registry_process import wait_for
from tests.runtime.starting import AS_GGUF, CANARY, Yard, card, yard
from tests.tiny_gguf import tiny_gguf
from weighbridge.domain.loading import Loaded, Prompt
from weighbridge.domain.start_report import STEPS
from weighbridge.errors import BadInput
from weighbridge.runtime import LoadedModel

HOME = Path(__file__).resolve().parents[2] / "examples" / "commerce_backend"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Parrot:
    """A model that says what it was asked, with a tag in it; it can be made to think."""

    def __init__(self) -> None:
        self.asked: list[Prompt] = []
        self.context = 1000
        self.thinks = threading.Event()
        self.thinks.set()

    def speak(self, prompt: Prompt) -> str:
        self.asked.append(prompt)
        assert self.thinks.wait(600)
        if self.context < len(prompt.text):
            raise BadInput("the prompt is longer than the context of /secret/place")
        return f"<script>alert(1)</script> {prompt.text.splitlines()[0]}"


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Yard]:
    with yard(tmp_path) as made:
        yield made


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


@pytest.fixture
def url(at: Yard, parrot: Parrot) -> Iterator[str]:
    """The back end over a start from a real Hub, with a parrot in memory."""
    done = at.start(AS_GGUF)
    started = replace(done, loaded=Loaded(kind="gguf", model=parrot, speak=parrot.speak))
    assert done.report.identity is not None
    with serving(web_app(LoadedModel(started, done.report.identity))) as address:
        yield address


def started(at: Yard, **changes: str) -> subprocess.CompletedProcess[str]:
    environ = clean({**at.environ(**{**AS_GGUF, **changes})})
    environ["PYTHONPATH"] = str(HOME)
    return subprocess.run(
        [sys.executable, "-m", "commerce", "--port", "0"], env=environ, cwd=at.place,
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "step", "cause"),
    [
        ({"MODEL_ID": ""}, "read environment", "MODEL_ID is not set"),
        ({"MODEL_ID": "acme/none"}, "resolve", "'acme/none' not found"),
        ({"MODEL_SHA256": "0" * 64}, "verify", "(MODEL_SHA256)"),
        ({"ALLOWED_LICENSES": "apache-2.0"}, "licence", "mit is none of apache-2.0"),
    ],
)
def test_it_fails_fast_with_step_and_cause(at: Yard, changes: dict[str, str], step: str, cause: str) -> None:
    done = started(at, **changes)
    assert done.returncode == 1
    assert f"Step: {step}. Cause: " in done.stderr
    assert cause in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert CANARY not in done.stderr


def test_a_description_is_made_of_the_shops_own_facts(url: str, parrot: Parrot) -> None:
    answer = call(url, "POST", "/generate", {"product": "oak-board", "tone": "factual"})
    assert answer.status == 200
    assert answer.json == {"product": "oak-board", "text": "<script>alert(1)</script> Product: Oak board"}
    assert "- oiled, not varnished" in parrot.asked[0].text
    assert "A factual description:" in parrot.asked[0].text


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/generate", {"product": "no-such"}, 404),
        ("/generate", {"product": "oak-board", "tone": "rude"}, 422),
        ("/generate", {"product": "oak-board", "prompt": "x" * 5000}, 413),
        ("/generate", b"not json", 422),
        ("/generate", b'{"product": "oak-board", "tone": "\\ud800"}', 422),
        ("/generate", b'{"product": NaN}', 422),
        ("/generate", b'{"product": "\xff"}', 400),
        ("/", b"&".join([b"product=oak-board&tone=rude"] * 50), 404),
        ("/nothing", {}, 404),
    ],
)
def test_what_cannot_be_asked_is_refused(
    url: str, parrot: Parrot, path: str, body: object, status: int
) -> None:
    assert call(url, "POST", path, body).status == status
    assert parrot.asked == []


def test_the_form_works_without_scripts_and_what_the_model_says_is_text(url: str) -> None:
    answer = call(url, "POST", "/", b"product=wool-throw&tone=friendly", FORM)
    page = answer.body.decode()
    assert answer.status == 200
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Product: Wool throw" in page
    assert "<script>alert" not in page
    assert call(url, "POST", "/", b"product=" + quote("<b>").encode(), FORM).status == 404


def test_health_is_the_checklist_and_the_identity(url: str, at: Yard) -> None:
    said = call(url, "GET", "/health").json
    assert (said["status"], said["passed"]) == ("ok", True)
    assert [step["step"] for step in said["steps"]] == list(STEPS)
    assert said["identity"]["model"]["commit"] == at.hub.repos["acme/tiny"].head


def test_no_answer_has_a_token_or_an_address(url: str, at: Yard) -> None:
    asked: list[tuple[str, str, object]] = [
        ("GET", "/", None), ("GET", "/health", None), ("GET", "/static/describe.js", None),
        ("GET", "/static/style.css", None), ("GET", "/docs", None), ("GET", "/openapi.json", None),
        ("GET", "/static/../web.py", None), ("POST", "/generate", {"product": "oak-board"}),
        ("POST", "/generate", {"product": "?"}),
    ]  # fmt: skip
    for method, path, body in asked:
        answer = call(url, method, path, body)
        told = answer.body.decode() + str(answer.headers)
        for secret in (
            CANARY,
            at.hub.url,
            at.hub.url.removeprefix("http://"),
            str(at.place),
            "huggingface.co",
        ):
            assert secret not in told, path
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_model_that_cannot_answer_is_told_without_its_reasons(url: str, parrot: Parrot) -> None:
    parrot.context = 5
    answer = call(url, "POST", "/generate", {"product": "oak-board"})
    assert (answer.status, answer.json) == (502, {"detail": "The model could not answer."})
    page = call(url, "POST", "/", b"product=oak-board", FORM)
    assert page.status == 502
    assert "The model could not answer." in page.body.decode()
    assert b"/secret/place" not in answer.body + page.body


def test_too_many_at_once_are_told_to_come_back(url: str, parrot: Parrot) -> None:
    parrot.thinks.clear()
    got: list[int] = []

    def ask() -> None:
        got.append(call(url, "POST", "/generate", {"product": "oak-board"}).status)

    threads = [threading.Thread(target=ask) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(parrot.asked) == AT_ONCE)
    refused = call(url, "POST", "/generate", {"product": "oak-board"})
    parrot.thinks.set()
    for thread in threads:
        thread.join(600)
    assert (refused.status, refused.headers["retry-after"]) == (503, "2")
    assert got == [200] * AT_ONCE


@needs_chromium
def test_the_page_in_a_browser(url: str, tmp_path: Path) -> None:
    with browser() as tab:
        tab.go(url)
        assert tab.text("h1") == "Describe a product"
        tab.script("document.querySelector('input[value=steel-bottle]').click()")
        tab.script("document.querySelector('button').click()")
        wait_for(lambda: "Steel bottle" in tab.text("#text"))
        assert tab.text("#text") == "<script>alert(1)</script> Product: Steel bottle"
        tab.resize(1200, 800)
        tab.picture(tmp_path / "wide.png")
        tab.resize(400, 900, dark=True)
        assert tab.script("document.documentElement.scrollWidth") <= 400
        tab.picture(tmp_path / "narrow.png")
        assert tab.complaints == []


@needs_chromium
def test_the_page_in_a_browser_without_scripts(url: str) -> None:
    with browser() as tab:
        tab.without_scripts()
        tab.go(url)
        tab.click("button")
        assert tab.text("#text").endswith("Product: Hemp sneaker")
        assert tab.complaints == []


def test_every_product_and_tone_is_on_the_page(url: str) -> None:
    page = call(url, "GET", "/").body.decode()
    assert all(f'value="{id}"' in page for id in PRODUCTS)
    assert all(f">{tone}</option>" in page for tone in TONES)


@contextmanager
def running(hub: str, place: Path, **changes: str) -> Iterator[tuple[str, list[str]]]:
    """The back end with a real model as a process: its address, and at the end its log."""
    environ = clean({"HF_ENDPOINT": hub, "HF_TOKEN": CANARY, "CACHE_DIR": str(place / "models"), **changes})
    environ["PYTHONPATH"] += f":{HOME}"
    process = subprocess.Popen(
        [*alone(), interpreter("llama"), "-m", "commerce", "--port", "0"], env=environ, cwd=place,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    log: list[str] = []
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        if not address:
            raise AssertionError(process.communicate(timeout=600)[1])
        yield address, log
    finally:
        process.terminate()
        log.extend(process.communicate(timeout=600)[1].splitlines())


def test_a_real_model_answers(tmp_path: Path) -> None:
    write_repo(tmp_path / "hub", "acme/tiny", {"README.md": card("mit"), "tiny.Q4.gguf": tiny_gguf()})
    with hub_process(tmp_path / "hub") as hub, running(hub, tmp_path, **AS_GGUF) as (url, log):
        said = call(url, "POST", "/generate", {"product": "oak-board"})
        health = call(url, "GET", "/health")
        assert said.status == 200
        assert len(said.json["text"]) > 10
        assert health.json["steps"][-1]["detail"].startswith("gguf in memory")
        for told in (said.body, health.body, call(url, "GET", "/").body):
            assert CANARY.encode() not in told
            assert hub.encode() not in told
    commit = json.loads(health.body)["identity"]["model"]["commit"]
    assert any(f"loaded gguf acme/tiny@main, commit {commit}" in line for line in log)
    assert not any(CANARY in line for line in log)
