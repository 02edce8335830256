"""The only reader of the environment.

A plain dataclass and not a settings library: every command starts with this module, and the
library costs more time than the whole of ``weighbridge verify`` (see docs/adr/0003).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import BadInput

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

DEFAULT_UPSTREAM = "https://huggingface.co"
DEFAULT_MAX_FILE_BYTES = 50 * 1000**3
"""Stock clients do not download a larger file over plain HTTP, so nobody could have it again."""
DEFAULT_CLASSIFIER_FILE = "classifier_deep_mlp.safetensors"
DEFAULT_CONDITION_FILE = "classifier_condition.safetensors"
DEFAULT_STORE_CACHE_BYTES = 100 * 1000**3
DEFAULT_INDEX_BYTES = 5 * 1000**3
"""Some two and a half million models."""
DEFAULT_LFS_PART_BYTES = 1 << 30
"""What is sent again after a broken connection is at most this much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that the surroundings may decide. ``VARIABLES`` names and explains each.

    ``hf_token`` and ``admin_password`` are kept out of ``repr``, so that no log shows them.
    """

    home: Path
    upstream: str = DEFAULT_UPSTREAM
    hf_token: str | None = field(default=None, repr=False)
    token_file: Path = field(default_factory=lambda: Path.home() / ".cache" / "huggingface" / "token")
    token_file_hub: str = DEFAULT_UPSTREAM
    database_url: str = ""
    store_url: str = ""
    store_public_url: str = ""
    store_cache_bytes: int = DEFAULT_STORE_CACHE_BYTES
    s3: Mapping[str, str] = field(default_factory=dict, repr=False)
    admin_password: str | None = field(default=None, repr=False)
    anonymous: tuple[str, ...] = ("search", "download")
    connections: int = 8
    jobs_at_once: int = 4
    policy_file: Path | None = None
    oidc_file: Path | None = None
    serve: str = "accepted"
    metrics: str = "admin"
    audit_days: int = 90
    log: str = "text"
    max_file_bytes: int = DEFAULT_MAX_FILE_BYTES
    lfs_part_bytes: int = DEFAULT_LFS_PART_BYTES
    index_bytes: int = DEFAULT_INDEX_BYTES
    quota_bytes: int = 0
    forbidden_kinds: frozenset[str] = frozenset()
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    hf_cache: Path = field(default_factory=lambda: Path.home() / ".cache" / "huggingface" / "hub")
    adopt: bool = True
    minimal: bool = False
    offline: bool = False
    hf_home: Path = field(default_factory=lambda: Path.home() / ".cache" / "huggingface")
    use_hf_models: bool = False
    model_repo: str = ""
    model_revision: str = ""
    classifier_file: str = DEFAULT_CLASSIFIER_FILE
    condition_file: str = DEFAULT_CONDITION_FILE
    cache_dir: Path | None = None
    start: Mapping[str, str] = field(default_factory=dict, repr=False)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def catalog_url(self) -> str:
        """Where the catalogue is: what was asked for, else a file in the home."""
        return self.database_url or f"sqlite:///{self.home / 'catalog.sqlite3'}"

    @property
    def models_dir(self) -> Path:
        """Where an application's models lie, each at ``<org>/<name>/<version>``."""
        return self.cache_dir or self.home / "models"

    @property
    def models_home(self) -> Path:
        """The store of an application's models: beside them, unless a home is named.

        A container often has a volume for the models and nothing else that can be written.
        """
        if self.cache_dir is None or self.environ.get("WEIGHBRIDGE_HOME"):
            return self.home
        return self.cache_dir / ".weighbridge" / "store"

    @property
    def model_list(self) -> Path:
        """The model list of a command that names none."""
        return Path("models.minimal.yaml" if self.minimal else "models.yaml")


VARIABLES: Mapping[str, str] = {
    "WEIGHBRIDGE_HOME": "where everything is kept; default: the platform's data folder",
    "WEIGHBRIDGE_UPSTREAM": "the Hub to fetch from; default: HF_ENDPOINT, else https://huggingface.co",
    "WEIGHBRIDGE_DATABASE_URL": "the catalogue; default: a SQLite file in the home",
    "WEIGHBRIDGE_STORE_URL": "the blob store, as in s3://bucket/prefix; default: a folder in the home",
    "WEIGHBRIDGE_STORE_PUBLIC_URL": "how clients reach the S3 server; default: AWS_ENDPOINT_URL; 'none': "
    "they do not, all goes through the registry",
    "WEIGHBRIDGE_STORE_CACHE_BYTES": "how much of an S3 store is kept in the home; default: 100000000000",
    "AWS_ACCESS_KEY_ID": "the name of the key for an S3 store",
    "AWS_SECRET_ACCESS_KEY": "that key (also AWS_SESSION_TOKEN)",
    "AWS_REGION": "the region of the bucket (also AWS_DEFAULT_REGION); default: us-east-1",
    "AWS_ENDPOINT_URL": "the address of an S3 server that is not Amazon's (also AWS_ENDPOINT_URL_S3)",
    "WEIGHBRIDGE_ADMIN_PASSWORD": "the password of 'admin', taken when the registry has no user yet",
    "WEIGHBRIDGE_ADMIN_PASSWORD_FILE": "a file with that password",
    "WEIGHBRIDGE_ANONYMOUS": "what callers without a token may do; default: search,download",
    "WEIGHBRIDGE_CONNECTIONS": "how many files are fetched at once; default: 8",
    "WEIGHBRIDGE_JOBS": "how many jobs each server and worker does at once; default: 4",
    "WEIGHBRIDGE_POLICY": "a file (YAML or JSON) that says what the gate asks for; see docs/gate.md",
    "WEIGHBRIDGE_OIDC": "a file (YAML or JSON) naming issuers whose tokens count too; see docs/accounts.md",
    "WEIGHBRIDGE_SERVE": "what others see of pushed commits: 'accepted' ones (default) or 'all'",
    "WEIGHBRIDGE_METRICS": "who sees /metrics: 'admin' (default), 'on' everybody, 'off' nobody",
    "WEIGHBRIDGE_AUDIT_DAYS": "how long downloads and failed log-ins stand in the audit; default: 90; "
    "0: for ever",
    "WEIGHBRIDGE_LOG": "how servers and workers log: 'text' (default), or 'json' with a line for each answer",
    "WEIGHBRIDGE_MAX_FILE_BYTES": "the largest file that may be pushed, in bytes; default: 50000000000",
    "WEIGHBRIDGE_LFS_PART_BYTES": "a larger file comes by LFS in parts of this size; default: 1073741824",
    "WEIGHBRIDGE_INDEX_BYTES": "how much room the index of a Hub's models may take; default: 5000000000",
    "WEIGHBRIDGE_QUOTA_BYTES": "what the repositories of a namespace may hold, in bytes; default 0: no limit",
    "WEIGHBRIDGE_FORBIDDEN_KINDS": "endings of files that may not be pushed, as in iso,tar.gz; default: none",
    "WEIGHBRIDGE_TRUSTED_PROXIES": "addresses or networks whose X-Forwarded-Host and -Proto count, as in "
    "10.0.0.0/8,192.0.2.7; this machine's own always do",
    "WEIGHBRIDGE_ADOPT": "set to 0, nothing is taken over from the Hugging Face cache; default: 1",
    "HF_ENDPOINT": "the Hub, as every Hugging Face client reads it",
    "HF_TOKEN": "the token for the Hub that is asked; without it see docs/credentials.md",
    "HF_TOKEN_PATH": "a file with that token; default: token in HF_HOME, for HF_ENDPOINT only",
    "HF_HOME": "the Hugging Face folder; default: ~/.cache/huggingface",
    "HF_HUB_CACHE": "the Hugging Face cache; default: hub in HF_HOME (also HUGGINGFACE_HUB_CACHE)",
    "HF_HUB_OFFLINE": "set to 1, no command makes a request",
    "USE_HF_MODELS": "true: an application takes its models from the Hub (docs/model-hub.md)",
    "HF_REPO_ID": "the repository of those models; there is no default",
    "HF_REVISION": "its branch, tag or commit; default: main, as it was when it was first asked for",
    "HF_CLASSIFIER_FILE": f"the file of the first model; default: {DEFAULT_CLASSIFIER_FILE}",
    "HF_CONDITION_FILE": f"the file of the second model; default: {DEFAULT_CONDITION_FILE}",
    "MODEL_REGISTRY": "where an application's model is: 'huggingface' (default), or 'url' with MODEL_URL",
    "MODEL_ID": "the model's repository (docs/runtime.md explains this and the following)",
    "MODEL_VERSION": "its branch, tag or commit; default: main, as it was when it was first asked for",
    "MODEL_TYPE": "how it is loaded: 'gguf', 'lora' or 'transformers'",
    "MODEL_FILE": "the GGUF file; default: the only one of the repository",
    "LORA_ID": "the adapter's repository; default: MODEL_ID",
    "LORA_REVISION": "the adapter's branch, tag or commit; default: MODEL_VERSION",
    "BASE_MODEL": "the repository of the model that the adapter is put on",
    "BASE_REVISION": "its branch, tag or commit; default: main, as it was when it was first asked for",
    "ALLOW_OTHER_BASE": "set to 1, BASE_MODEL may be another one than the adapter says",
    "MODEL_SHA256": "the sha256 of the file with the weights",
    "MODEL_URL": "the address of a GGUF file that no registry has; needs MODEL_SHA256",
    "ALLOWED_LICENSES": "licences and classes of them that may be in force, as in apache-2.0,mit,permissive",
    "ALLOWED_FINDINGS": "rules of the scanners whose findings for review were looked at and are accepted",
    "CACHE_DIR": "where an application's models lie; default: /models where it can be written, else the home",
    "CI_MINIMAL_MODELS": "set to true, 1 or yes, models.minimal.yaml is the default model list",
    "HTTPS_PROXY": "the proxy for https:// addresses (also HTTP_PROXY, ALL_PROXY, NO_PROXY)",
    "SSL_CERT_FILE": "further trusted certificates (also REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE)",
}
"""Every variable that is read, and what it does; the documents are tested against this table."""


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings that the environment gives.

    Raises:
        BadInput: a variable holds what it cannot mean; the message names it.
    """
    env = os.environ if environ is None else environ
    return Settings(
        home=Path(env["WEIGHBRIDGE_HOME"]).expanduser().absolute()
        if env.get("WEIGHBRIDGE_HOME")
        else _default_home(env),
        upstream=_upstream(env),
        hf_token=env.get("HF_TOKEN", "").strip() or None,
        token_file=Path(env.get("HF_TOKEN_PATH") or _hf_home(env) / "token").expanduser(),
        # The file that Hugging Face's tools write is for the Hub that they ask; one that is named, for ours.
        token_file_hub=_upstream(env)
        if env.get("HF_TOKEN_PATH")
        else env.get("HF_ENDPOINT") or DEFAULT_UPSTREAM,
        database_url=env.get("WEIGHBRIDGE_DATABASE_URL", ""),
        store_url=env.get("WEIGHBRIDGE_STORE_URL", ""),
        store_public_url=env.get("WEIGHBRIDGE_STORE_PUBLIC_URL", ""),
        store_cache_bytes=_count(
            env, "WEIGHBRIDGE_STORE_CACHE_BYTES", DEFAULT_STORE_CACHE_BYTES, least=0, most=1 << 60
        ),
        s3=_s3(env),
        admin_password=_secret(env, "WEIGHBRIDGE_ADMIN_PASSWORD"),
        anonymous=_words(env, "WEIGHBRIDGE_ANONYMOUS", "search,download"),
        connections=_count(env, "WEIGHBRIDGE_CONNECTIONS", 8),
        jobs_at_once=_count(env, "WEIGHBRIDGE_JOBS", 4),
        policy_file=Path(env["WEIGHBRIDGE_POLICY"]).expanduser() if env.get("WEIGHBRIDGE_POLICY") else None,
        oidc_file=Path(env["WEIGHBRIDGE_OIDC"]).expanduser() if env.get("WEIGHBRIDGE_OIDC") else None,
        serve=_one_of(env, "WEIGHBRIDGE_SERVE", "accepted", "all"),
        metrics=_one_of(env, "WEIGHBRIDGE_METRICS", "admin", "on", "off"),
        audit_days=_count(env, "WEIGHBRIDGE_AUDIT_DAYS", 90, least=0, most=36_500),
        log=_one_of(env, "WEIGHBRIDGE_LOG", "text", "json"),
        max_file_bytes=_count(env, "WEIGHBRIDGE_MAX_FILE_BYTES", DEFAULT_MAX_FILE_BYTES, most=1 << 50),
        lfs_part_bytes=_count(env, "WEIGHBRIDGE_LFS_PART_BYTES", DEFAULT_LFS_PART_BYTES, most=1 << 50),
        index_bytes=_count(env, "WEIGHBRIDGE_INDEX_BYTES", DEFAULT_INDEX_BYTES, least=1 << 20, most=1 << 60),
        quota_bytes=_count(env, "WEIGHBRIDGE_QUOTA_BYTES", 0, least=0, most=1 << 60),
        forbidden_kinds=_kinds(env),
        trusted_proxies=_networks(env, "WEIGHBRIDGE_TRUSTED_PROXIES"),
        hf_cache=Path(env.get("HF_HUB_CACHE") or env.get("HUGGINGFACE_HUB_CACHE") or _hf_home(env) / "hub")
        .expanduser()
        .absolute(),
        adopt=_yes(env, "WEIGHBRIDGE_ADOPT", default=True),
        minimal=_yes(env, "CI_MINIMAL_MODELS"),
        offline=_yes(env, "HF_HUB_OFFLINE"),
        hf_home=_hf_home(env),
        use_hf_models=_choice(env, "USE_HF_MODELS"),
        model_repo=env.get("HF_REPO_ID", "").strip(),
        model_revision=env.get("HF_REVISION", "").strip(),
        classifier_file=env.get("HF_CLASSIFIER_FILE") or DEFAULT_CLASSIFIER_FILE,
        condition_file=env.get("HF_CONDITION_FILE") or DEFAULT_CONDITION_FILE,
        cache_dir=_cache_dir(env),
        start={name: env[name] for name in _START if env.get(name)},
        environ=dict(env),
    )


_START = (
    "MODEL_REGISTRY", "MODEL_ID", "MODEL_VERSION", "MODEL_TYPE", "MODEL_FILE", "LORA_ID", "LORA_REVISION",
    "BASE_MODEL", "BASE_REVISION", "ALLOW_OTHER_BASE", "MODEL_SHA256", "MODEL_URL", "ALLOWED_LICENSES",
    "ALLOWED_FINDINGS",
)  # fmt: skip
"""What says which model an application starts with; ``domain.start_wish`` reads them."""
_CONTAINER_MODELS = Path("/models")


def _s3(env: Mapping[str, str]) -> Mapping[str, str]:
    """How an S3 server is reached, under the names that obstore has for it."""
    found = {
        "access_key_id": env.get("AWS_ACCESS_KEY_ID", ""),
        "secret_access_key": env.get("AWS_SECRET_ACCESS_KEY", ""),
        "session_token": env.get("AWS_SESSION_TOKEN", ""),
        "region": env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION", ""),
        "endpoint": env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL", ""),
    }
    return {name: value for name, value in found.items() if value}


def child_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """The environment for a process that is to see these settings and none of ours.

    Everything that names a Hub, a token or a home is left out, so that a demo never touches the
    user's own registry and a client is told nothing but what ``changes`` says; a proxy is not
    asked for what is on this machine.
    """
    ours = ("WEIGHBRIDGE_", "HF_", "HUGGING")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {**kept, "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost", **changes}


def _networks(env: Mapping[str, str], name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    words = [word.strip() for word in env.get(name, "").split(",") if word.strip()]
    if not words:
        return ()
    from ipaddress import ip_network

    try:
        return tuple(map(ip_network, words))
    except ValueError as error:
        raise BadInput(f"{name}: {error}", hint="write it as in 10.0.0.0/8,192.0.2.7") from error


def _default_home(env: Mapping[str, str]) -> Path:
    home = Path(env.get("HOME") or Path.home())
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "weighbridge"
    if sys.platform == "win32":
        return Path(env.get("LOCALAPPDATA") or home / "AppData" / "Local") / "weighbridge"
    return Path(env.get("XDG_DATA_HOME") or home / ".local" / "share") / "weighbridge"


def _cache_dir(env: Mapping[str, str]) -> Path | None:
    """None: below the home. A container that mounts a volume for models calls it /models."""
    if env.get("CACHE_DIR"):
        return Path(env["CACHE_DIR"]).expanduser().absolute()
    usable = _CONTAINER_MODELS.is_dir() and os.access(_CONTAINER_MODELS, os.W_OK)
    return _CONTAINER_MODELS if usable else None


def _upstream(env: Mapping[str, str]) -> str:
    address = env.get("WEIGHBRIDGE_UPSTREAM") or env.get("HF_ENDPOINT") or DEFAULT_UPSTREAM
    if not address.startswith(("http://", "https://")) or "@" in address.split("/", 3)[2]:
        name = "WEIGHBRIDGE_UPSTREAM" if env.get("WEIGHBRIDGE_UPSTREAM") else "HF_ENDPOINT"
        raise BadInput(
            f"{name} is not an http:// or https:// address without credentials",
            hint=f"as in {name}={DEFAULT_UPSTREAM}; a token goes into HF_TOKEN",
        )
    return address.rstrip("/")


def _hf_home(env: Mapping[str, str]) -> Path:
    """Where Hugging Face's tools keep what is theirs (``huggingface_hub.constants.HF_HOME``)."""
    caches = Path(env.get("XDG_CACHE_HOME") or Path(env.get("HOME") or "~").expanduser() / ".cache")
    return Path(env.get("HF_HOME") or caches / "huggingface").expanduser().absolute()


def _secret(env: Mapping[str, str], name: str) -> str | None:
    if env.get(name):
        return env[name]
    path = env.get(f"{name}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text().strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{name}_FILE: cannot read '{path}': {error}") from error


def _words(env: Mapping[str, str], name: str, default: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in env.get(name, default).split(",") if word.strip())


def _one_of(env: Mapping[str, str], name: str, *words: str) -> str:
    """One of the words; the first where nothing is said."""
    chosen = env.get(name, "") or words[0]
    if chosen not in words:
        raise BadInput(f"{name} is {chosen!r}, but must be {' or '.join(map(repr, words))}")
    return chosen


def _kinds(env: Mapping[str, str]) -> frozenset[str]:
    name = "WEIGHBRIDGE_FORBIDDEN_KINDS"
    kinds = frozenset(word.lower().removeprefix("*").lstrip(".") for word in _words(env, name, ""))
    if any(not kind or set(kind) & set("/\\*? ") for kind in kinds):
        raise BadInput(f"{name} holds what is no ending of a file name", hint="as in iso,tar.gz")
    return kinds


def _count(env: Mapping[str, str], name: str, default: int, most: int = 64, least: int = 1) -> int:
    spelled = env.get(name, "")
    if not spelled:
        return default
    if not spelled.isdecimal() or len(spelled) > 18 or not least <= int(spelled) <= most:
        raise BadInput(f"{name} is {spelled!r}, but must be a number from {least} to {most}")
    return int(spelled)


def _choice(env: Mapping[str, str], name: str) -> bool:
    """A switch between two models: a word that means neither yes nor no is a mistake, not a no."""
    spelled = env.get(name, "").strip().lower()
    if spelled not in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
        raise BadInput(f"{name} is {spelled!r}, but must be true or false")
    return _yes(env, name)


def _yes(env: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    spelled = env.get(name, "").strip().lower()
    return spelled in ("1", "true", "yes", "on") if spelled else default
