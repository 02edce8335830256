"""The registry's document is followed, block by block: only the address is another, and the token its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.documents.blocks import Block, Page, environment
from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.made_models import Made, train
from tests.registry_process import RegistryProcess, running
from weighbridge.domain.ref import RepoId
from weighbridge.domain.verdict import TITLES
from weighbridge.domain.waiver import METRICS_OF_THE_GATE
from weighbridge.doors.demo.models import DATA, MADE

GIVEN = Page.read(Path(__file__).parent / "given" / "registry.md")
ADDRESS, PASSWORD, ITS_TOKEN = "http://localhost:8000", "admin123", "your-token-here"
NAME = "distilbert-base-uncased-finetuned-sst-2-english"
BARE = {"README.md": b"---\nlicense: mit\n---\n# A model\n", "config.json": b"{}"}


def block(heading: str) -> Block:
    (found,) = (one for one in GIVEN.blocks() if one.heading == heading)
    return found


def plain(block: Block) -> dict[str, object]:
    """A block of JSON without the document's remarks."""
    said: dict[str, object] = json.loads(re.sub(r"\s+// [^\n]*", "", block.text))
    return said


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return train(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def hub(made: Made) -> Iterator[HubServer]:
    """A Hub with a good model under the document's name, on which several people have worked."""
    repos = made.repos()
    files = {path: content.replace(MADE.encode(), NAME.encode()) for path, content in made.model.items()}
    good = HubRepo(files)
    good.info = repos[MADE].info
    good.authors = ("ann", "bob", "cid")
    for number in range(5):
        good.commit({**files, "CHANGES.md": b"%d\n" % number})
    good.commit(files)
    with serve_hub({DATA: repos[DATA], NAME: good, "org/bare": HubRepo(BARE)}) as server:
        yield server


@pytest.fixture
def registry(hub: HubServer, tmp_path: Path) -> Iterator[RegistryProcess]:
    """A registry whose operator chose the document's password."""
    env = environment(tmp_path, WEIGHBRIDGE_UPSTREAM=hub.url, WEIGHBRIDGE_ADMIN_PASSWORD=PASSWORD)
    with running("serve", env, tmp_path / "log") as server:
        yield server


def asked(
    registry: RegistryProcess, path: str, body: object, token: str = ""
) -> tuple[int, Mapping[str, object]]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    status, answer, _ = registry._ask("POST", path, body, headers)
    return status, answer


def token_of(registry: RegistryProcess) -> str:
    return str(asked(registry, "/authenticate", {"username": "admin", "password": PASSWORD})[1]["token"])


def test_the_python_example_runs_unchanged(registry: RegistryProcess, tmp_path: Path) -> None:
    example = block("Using Python Requests").replaced({ADDRESS: registry.url})
    said = example.run(cwd=tmp_path, env=environment(tmp_path)).stdout.splitlines()
    assert re.fullmatch(r"Success! Package ID: [0-9a-f-]{36}", said[0])
    assert re.fullmatch(r"Net Score: 0\.\d+", said[1])
    again = example.run(cwd=tmp_path, env=environment(tmp_path)).stdout
    assert again.startswith("Validation failed: ")
    assert "1.0.0" in again


def test_the_curl_example_runs_unchanged(registry: RegistryProcess, tmp_path: Path) -> None:
    table = {ADDRESS: registry.url, ITS_TOKEN: token_of(registry)}
    said = block("Using cURL").replaced(table).run(cwd=tmp_path, env=environment(tmp_path)).stdout
    login, end = json.JSONDecoder().raw_decode(said)
    assert set(login) == {"token"}
    answer = json.loads(said[end:])
    documented = plain(block("Response (Success - 200)"))
    assert documented.keys() <= answer.keys()
    assert documented["metrics"].keys() == answer["metrics"].keys()  # type: ignore[attr-defined]
    same = ("name", "version", "model_id", "message")
    assert {key: answer[key] for key in same} == {key: documented[key] for key in same}
    for key, value in documented.items():
        assert isinstance(answer[key], type(value)) or key == "s3_path", key


def test_the_documented_request_and_refusals(registry: RegistryProcess) -> None:
    token, request = token_of(registry), plain(block("Request"))
    assert asked(registry, "/package/ingest-huggingface", request)[0] == 401
    assert (
        asked(registry, "/package/ingest-huggingface", {**request, "model_id": "org/bare"}, token)[0] == 400
    )
    missing = {**request, "model_id": "invalid-model-id"}
    status, answer = asked(registry, "/package/ingest-huggingface", missing, token)
    assert (status, answer["detail"]) == (404, plain(block("Response (Not Found - 404)"))["detail"])
    status, answer = asked(registry, "/package/ingest-huggingface", request, token)
    assert (status, answer["version"], answer["description"]) == (200, "1.0.0", request["description"])
    status, answer = asked(registry, "/package/ingest-huggingface", request, token)
    assert (status, answer["code"]) == (400, "package-exists")


def test_a_refusal_is_spelled_as_documented(registry: RegistryProcess) -> None:
    status, answer = asked(
        registry, "/package/ingest-huggingface", {"model_id": "org/bare"}, token_of(registry)
    )
    shape = r"Model does not meet quality requirements\. Failed metrics: (.*)"
    failed = r"([A-Z][\w/ -]+) \((\d\.\d+) < (\d\.\d+)\)"
    documented = re.fullmatch(shape, str(plain(block("Response (Validation Failed - 400)"))["detail"]))
    told = re.fullmatch(shape, str(answer["detail"]))
    assert status == 400
    assert documented
    assert told
    for sentence in (documented[1], told[1]):
        assert re.fullmatch(rf"{failed}(?:, {failed})*", sentence)
    titles = block("Quality validation").text.split("\n")[:-1]
    assert {name for name, _, _ in re.findall(failed, told[1])} <= set(titles)
    assert {TITLES[metric] for metric in METRICS_OF_THE_GATE} == set(titles)


def test_every_documented_identifier_is_one() -> None:
    for name in block("Supported model identifiers").text.split():
        assert RepoId.parse(name).full_name == name


def test_the_page_of_the_interface_has_what_the_document_clicks_on(registry: RegistryProcess) -> None:
    _, described, _ = registry._ask("GET", "/openapi.json", None, {})
    assert {"/authenticate", "/package/ingest-huggingface"} <= described["paths"].keys()
    schemes = described["components"]["securitySchemes"].values()
    assert {"type": "http", "scheme": "bearer"}.items() <= next(
        s for s in schemes if s["type"] == "http"
    ).items()
    assert registry._ask("GET", "/docs", None, {})[0] == 200
