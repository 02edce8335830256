"""What a file is, by its first bytes. Names are only a second clue, because names lie."""

from __future__ import annotations

import pickletools
import re
import tarfile
import zlib

HEAD_BYTES = 4096
MAX_SAFETENSORS_HEADER = 100_000_000
"""The limit of safetensors 0.8 itself."""

_MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"\x7fELF", "elf"),
    (b"\xfe\xed\xfa\xce", "mach-o"),
    (b"\xfe\xed\xfa\xcf", "mach-o"),
    (b"\xce\xfa\xed\xfe", "mach-o"),
    (b"\xcf\xfa\xed\xfe", "mach-o"),
    (b"\xca\xfe\xba\xbe", "mach-o"),
    (b"\0asm", "wasm"),
    (b"\x1bLua", "lua"),
    (b"BC\xc0\xde", "llvm"),
    (b"dex\n03", "dex"),
    (b"MZqFpD='", "ape"),
    (b"jartsr='", "ape"),
    (b"L\0\0\0\x01\x14\x02\0", "shortcut"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"]\0\0", "lzma"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x93NUMPY", "npy"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"GGUF", "gguf"),
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"SQLite format 3\0", "sqlite"),
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"ID3", "mp3"),
    (b"\xff\xfb", "mp3"),
    (b"\xff\xf3", "mp3"),
)
EXECUTABLES = frozenset({"elf", "mach-o", "pe", "wasm", "lua", "llvm", "dex", "ape", "shortcut", "script"})
PACKINGS = frozenset({"gzip", "bz2", "xz", "lzma", "zlib", "lz4"})
MEDIA = frozenset({"png", "jpeg", "gif", "webp", "wav", "mp4", "ogg", "flac", "mp3", "bmp"})
_SHEBANG = re.compile(rb"#![ \t]*[/.\w]")
_OPCODES = {ord(opcode.code): opcode for opcode in pickletools.opcodes}
_LENGTH_BYTES = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1, pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4, pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}  # fmt: skip
_NAMING = frozenset({"GLOBAL", "INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4"})


def kind_of(head: bytes) -> str:
    """The kind of a file that begins with ``head`` (up to 4096 bytes): ``text``, ``pickle``, ``zip`` ...

    ``binary`` is what nothing here knows. Order matters: a safetensors header may begin with the
    bytes of another format, and its ``{`` at offset 8 settles it.
    """
    if not head:
        return "empty"
    if is_safetensors(head):
        return "safetensors"
    if head[0] == 0x80 and len(head) > 1 and head[1] <= 5:
        return "pickle"
    for magic, kind in _MAGICS:
        if head.startswith(magic):
            return kind
    return _by_structure(head)


def _by_structure(head: bytes) -> str:
    if head.startswith((b"RIFF", b"RIFX", b"RF64")) and head[8:12] in (b"WEBP", b"WAVE"):
        return "webp" if head[8:12] == b"WEBP" else "wav"
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[4:8] == b"TFL3":
        return "tflite"
    if head[4:6] == b"ET" and head[6:8].isdigit():
        return "executorch"
    if head.startswith(b"BZh") and head[4:10] == b"1AY&SY":
        return "bz2"
    if head[0] == 0x78 and int.from_bytes(head[:2], "big") % 31 == 0 and _inflates(head):
        return "zlib"
    if is_tar_header(head):
        return "tar"
    if _is_pe(head):
        return "pe"
    if is_text(head):
        return "script" if _SHEBANG.match(head) else "text"
    return "binary"


def _is_pe(head: bytes) -> bool:
    """A DOS stub that points to a PE header; two letters alone would hit one weight file in 65536."""
    at = int.from_bytes(head[0x3C:0x40], "little")
    if not head.startswith(b"MZ") or not 0x40 <= at < 1 << 20:
        return False
    return head[at : at + 4] == b"PE\0\0" if at + 4 <= len(head) else len(head) >= HEAD_BYTES


def is_safetensors(head: bytes) -> bool:
    """Whether a plausible header length stands before a ``{``."""
    return head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= MAX_SAFETENSORS_HEADER


def is_tar_header(block: bytes) -> bool:
    """Whether Python's ``tarfile`` takes the first 512 bytes for a member of an archive.

    Its rules are wide: a signed checksum will do, and no other mark is asked for.
    """
    if len(block) < 512:
        return False
    try:
        tarfile.TarInfo.frombuf(block[:512], "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError, OverflowError):
        return False
    return True


def is_text(head: bytes, *, whole: bool = False) -> bool:
    """Whether bytes read as text: UTF-8 without NUL, UTF-16 with its mark, or Latin-1 without controls.

    Unless ``whole``, a character that is cut off at the end does not count against it.
    """
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return len(head) % 2 == 0 and _decodes(head, "utf-16", whole)
    if b"\0" in head:
        return False
    return _decodes(head, "utf-8", whole) or not head.translate(None, _PRINTABLE)


_PRINTABLE = bytes([*b"\t\n\r\f\x1b", *range(0x20, 0x7F), *range(0xA0, 0x100)])


def _decodes(data: bytes, encoding: str, whole: bool) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        return not whole and error.reason == "unexpected end of data" and error.end == len(data)
    return True


def _inflates(head: bytes) -> bool:
    try:
        zlib.decompressobj().decompress(head, 64)
    except zlib.error:
        return False
    return True


def may_be_pickle(head: bytes) -> bool:
    """Whether ``head`` reads as pickle opcodes up to one that names something, to STOP, or to its end.

    This only decides whether the pickle machine should have a look, so no value is judged: the machine takes
    numbers and texts that ``pickletools`` refuses. A text that begins with ``T``, ``X`` or ``B`` claims a
    value of half a gigabyte and is not worth one (``claims_half_a_gigabyte``).
    """
    at = steps = 0
    while at < len(head):
        opcode = _OPCODES.get(head[at])
        if opcode is None:
            return False
        behind = _behind(opcode, head, at + 1)
        if behind > len(head):
            return len(head) >= HEAD_BYTES and not (steps == 0 and claims_half_a_gigabyte(head))
        if opcode.name in _NAMING or (opcode.name == "STOP" and steps):
            return True
        at, steps = behind, steps + 1
    return len(head) >= HEAD_BYTES


def claims_half_a_gigabyte(head: bytes) -> bool:
    """Whether a text, read as a pickle, begins with a value of as many bytes as four letters say."""
    return head[:1] in (b"T", b"X", b"B") and is_text(head) and min(head[1:5], default=0) >= 0x20


def _behind(opcode: pickletools.OpcodeInfo, head: bytes, at: int) -> int:
    """The offset behind the argument that begins at ``at``; more than there is where it is cut off."""
    argument = opcode.arg
    if argument is None:
        return at
    if argument.n >= 0:
        return at + argument.n
    if argument.n == pickletools.UP_TO_NEWLINE:
        for _ in range(2 if argument.name == "stringnl_noescape_pair" else 1):
            end = head.find(b"\n", at)
            if end < 0:
                return len(head) + 1
            at = end + 1
        return at
    width = _LENGTH_BYTES[argument.n]
    return at + width + int.from_bytes(head[at : at + width], "little")
