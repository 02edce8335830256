"""Proxies, exemptions and certificates, from an environment that is handed in."""

from __future__ import annotations

import base64
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_connection, socket
from typing import Any

import pytest

from tests.adapters.hub_bits import quick
from tests.hub_server import HubServer, serve_hub
from weighbridge.adapters.hub_http import HttpHub, Patience
from weighbridge.adapters.hub_http.addresses import Origin, Proxies, split_address
from weighbridge.domain.ref import ModelRef
from weighbridge.errors import BadInput, HubDown

REF = ModelRef.parse("org/model")
ONCE = Patience(tries=1)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with serve_hub({"org/model": {"a": b"1"}}) as server:
        yield server


class _Forwarding(BaseHTTPRequestHandler):
    """A proxy: CONNECT opens a tunnel; what it is asked otherwise is noted and passed on."""

    def log_message(self, *_: Any) -> None:
        """The test looks at ``seen``."""

    def do_CONNECT(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Proxy-Authorization")))  # type: ignore[attr-defined]
        host, _, port = self.path.rpartition(":")
        with create_connection((host, int(port))) as there:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pump, args=(there, self.connection), daemon=True)
            back.start()
            _pump(self.connection, there)
            back.join()
        self.close_connection = True

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Proxy-Authorization")))  # type: ignore[attr-defined]
        origin, target = split_address(self.path)
        with create_connection((origin.host, origin.port)) as there:
            lines = f"GET {target} HTTP/1.1\r\nHost: {origin.authority}\r\nConnection: close\r\n\r\n"
            there.sendall(lines.encode())
            _pump(there, self.connection)
        self.close_connection = True


def _pump(source: socket, sink: socket) -> None:
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(1)
    except OSError:
        return


@contextmanager
def proxy() -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Forwarding)
    server.daemon_threads = True
    server.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", server.seen  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_plain_http_goes_through_the_proxy_in_absolute_form(hub: HubServer) -> None:
    with proxy() as (address, seen):
        client = quick(hub, environ={"http_proxy": f"http://me:p%40ss@{address}"})
        assert client.info(REF).commit == hub.repos["org/model"].head
    pair = base64.b64encode(b"me:p@ss").decode()
    assert seen == [(f"{hub.url}/api/models/org/model/revision/main", f"Basic {pair}")]
    assert "proxy-authorization" not in hub.requests[0].headers


def test_no_proxy_spares_it(hub: HubServer) -> None:
    environ = {"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "localhost, 127.0.0.0/8"}
    assert quick(hub, environ=environ).info(REF)


def test_a_proxy_that_is_not_there_shows_no_credentials(hub: HubServer) -> None:
    client = quick(hub, environ={"HTTP_PROXY": "http://me:secret@127.0.0.1:1"}, patience=ONCE)
    with pytest.raises(HubDown) as caught:
        client.info(REF)
    assert "secret" not in f"{caught.value}{caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("environ", "host", "expected"),
    [
        ({}, "hub.example", None),
        ({"HTTPS_PROXY": "http://p:3128"}, "hub.example", "p"),
        ({"https_proxy": "http://low:1", "HTTPS_PROXY": "http://up:1"}, "hub.example", "low"),
        ({"ALL_PROXY": "p:1"}, "hub.example", "p"),
        ({"HTTP_PROXY": "http://p:1"}, "hub.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example"}, "hub.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".example"}, "hub.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*.example"}, "hub.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "ample"}, "hub.example", "p"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "hub.example:443"}, "hub.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "hub.example:444"}, "hub.example", "p"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "hub.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "10.1.2.3", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "11.1.2.3", "p"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "::1"}, "::1", None),
        ({"HTTPS_PROXY": ""}, "hub.example", None),
    ],
)
def test_which_proxy(environ: dict[str, str], host: str, expected: str | None) -> None:
    found = Proxies(environ).to(Origin("https", host, 443))
    assert (found.origin.host if found else None) == expected


def test_a_request_header_of_a_web_server_is_no_proxy() -> None:
    environ = {"HTTP_PROXY": "http://evil:1", "REQUEST_METHOD": "GET"}
    assert Proxies(environ).to(Origin("http", "hub.example", 80)) is None


@pytest.mark.parametrize("address", ["socks5://p:1", "https://u:secret@p:1", "http://"])
def test_a_proxy_that_cannot_be_used(address: str) -> None:
    with pytest.raises(BadInput, match="HTTPS_PROXY") as caught:
        Proxies({"HTTPS_PROXY": address}).to(Origin("https", "hub.example", 443))
    assert "secret" not in str(caught.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 with its key, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    command += " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return both


@contextmanager
def secure(hub: HubServer, certificate: Path) -> Iterator[str]:
    """TLS before the hub: its https address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    hub.secure_with(context)
    yield hub.url.replace("http:", "https:")


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_certificate_is_trusted_by_the_environment(hub: HubServer, certificate: Path, name: str) -> None:
    with secure(hub, certificate) as address:
        with pytest.raises(HubDown, match="certificate") as caught:
            HttpHub(address, patience=ONCE).info(REF)
        assert "SSL_CERT_FILE" in caught.value.hint
        assert HttpHub(address, environ={name: str(certificate)}).info(REF)


def test_https_goes_through_a_tunnel(hub: HubServer, certificate: Path) -> None:
    with secure(hub, certificate) as address, proxy() as (place, seen):
        environ = {"HTTPS_PROXY": f"http://me:secret@{place}", "SSL_CERT_FILE": str(certificate)}
        client = HttpHub(address, token="hf_token", environ=environ)
        assert client.info(REF).commit == hub.repos["org/model"].head
        client.close()
    pair = base64.b64encode(b"me:secret").decode()
    assert seen == [(address.removeprefix("https://"), f"Basic {pair}")]
    assert hub.requests[-1].headers["authorization"] == "Bearer hf_token"
    assert "proxy-authorization" not in hub.requests[-1].headers


def test_a_redirect_from_https_to_http_is_refused(hub: HubServer, certificate: Path) -> None:
    with secure(hub, certificate) as address:
        hub.fault("*", redirect="http://127.0.0.1:1/x")
        with pytest.raises(Exception, match="from https to http"):
            HttpHub(address, environ={"SSL_CERT_FILE": str(certificate)}).info(REF)


def test_certificates_that_are_none(hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("none")
    with pytest.raises(BadInput, match="SSL_CERT_FILE"):
        HttpHub("https://127.0.0.1:1", environ={"SSL_CERT_FILE": str(tmp_path / "empty.pem")}).info(REF)


@pytest.mark.parametrize("host", ["a" * 64 + ".org", "a..org", ".org"])
def test_a_host_name_that_cannot_be_is_no_address(host: str) -> None:
    with pytest.raises(ValueError, match="host name that cannot be"):
        split_address(f"https://{host}/m")
    assert split_address("https://a.org./m")[0].host == "a.org."
