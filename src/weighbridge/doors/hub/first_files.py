"""The files that a repository begins with, as the client for Node asks for them.

{"license": "mit", "sdk": "static", "files": [{"path": "a.txt", "encoding": "base64", "content": "..."}]}

What is said of the licence and of the kit of a space stands in the card, as on the Hub.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64

from weighbridge.domain.hosted import SmallFile
from weighbridge.domain.json_values import JsonObject, objects, text
from weighbridge.errors import BadInput

_FILES_LIMIT = 100
_CARD = "README.md"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


def first_files(body: JsonObject) -> tuple[SmallFile, ...]:
    """What a body asks for; a card is written if none is sent and something is said in it.

    Raises:
        BadInput: a file, the licence or the kit cannot be read.
    """
    found, sent = objects(body, "files"), body.get("files")
    if sent is not None and (not isinstance(sent, list) or not len(found) == len(sent) <= _FILES_LIMIT):
        raise BadInput(f"'files' is no list of at most {_FILES_LIMIT} files: push more after it was made")
    files = tuple(map(_file, found))
    said = {key: value for key in ("license", "sdk") if (value := _said(body, key))}
    if not said or any(file.path == _CARD for file in files):
        return files
    lines = "".join(f"{key}: {value}\n" for key, value in said.items())
    return (*files, SmallFile(path=_CARD, content=f"---\n{lines}---\n".encode()))


def _said(body: JsonObject, key: str) -> str:
    said = text(body, key) or ""
    if said and not _WORD.fullmatch(said):
        raise BadInput(f"'{key}' is no identifier: {ascii(said)[:80]}")
    return said


def _file(spelled: JsonObject) -> SmallFile:
    path, content = text(spelled, "path"), spelled.get("content")
    if path is None or not isinstance(content, str):
        raise BadInput("each of 'files' needs a 'path' and a 'content'")
    if text(spelled, "encoding") != "base64":
        return SmallFile(path=path, content=content.encode())
    try:
        return SmallFile(path=path, content=b64decode(content, validate=True))
    except (NotBase64, ValueError) as error:
        raise BadInput(f"the content of {ascii(path)[:100]} is not base64") from error
