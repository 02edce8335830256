"""Commands in this process: the same code as the program, without the start of an interpreter each time."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from weighbridge.doors.cli.app import main


class Shell:
    """Runs commands with an environment of its own; nobody sits at its terminal."""

    def __init__(
        self, env: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.env, self._monkeypatch, self._capsys = dict(env), monkeypatch, capsys

    def run(self, *arguments: str, code: int = 0, given: str = "") -> tuple[str, str]:
        """What a command prints to stdout and to stderr; ``given`` comes by its standard input."""
        for name in [name for name in os.environ if name.startswith(("WEIGHBRIDGE_", "HF_"))]:
            self._monkeypatch.delenv(name)
        for name, value in self.env.items():
            self._monkeypatch.setenv(name, value)
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = self._capsys.readouterr()
        assert ended.value.code == code, f"{ended.value.code}\n{out}\n{err}"
        return out, err

    def json(self, *arguments: str, code: int = 0, given: str = "") -> Any:
        """The document of a command."""
        return json.loads(self.run(*arguments, "--json", code=code, given=given)[0])
