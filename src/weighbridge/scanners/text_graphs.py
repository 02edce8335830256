"""Models that are written as text: TensorFlow's ``.pbtxt`` and OpenVINO's ``.xml``."""

from __future__ import annotations

import re
from xml.parsers import expat

from weighbridge.scanners.notes import LimitExceeded, Notes, shown
from weighbridge.scanners.tf_table import CALCULATING, CHECKPOINTS, FOREIGN

_OPERATOR = re.compile(rb"""\bop\s*:\s*(?:"([^"\n]*)"|'([^'\n]*)')""")
_TRITON = re.compile(rb"""\b(?:op_library_filename\s*:[^\n]{0,200}|backend\s*:\s*["']python["'])""")
_PYTHON_LAYER = re.compile(rb"""["']Python["']|\bpython_param\b|\bPYTHON\b""")
_OPSET = re.compile(r"opset\d{1,3}")
_MAX_ELEMENTS = 500_000
_MAX_DEPTH = 256


class _Refused(Exception):
    """Stops the parser."""


def judge_graph_text(raw: bytes, notes: Notes) -> None:
    """Note the operators of a graph in protocol buffer text."""
    names = {(found[1] or found[2] or b"").decode("utf-8", "replace") for found in _OPERATOR.finditer(raw)}
    for name in sorted(names - CALCULATING - CHECKPOINTS):
        if name in FOREIGN:
            notes.block("tf.operator", f"the graph runs {shown(name)}, which reaches outside of it", "", name)
        else:
            notes.review(
                "tf.unknown_operator", f"the operator {shown(name)} is not one that only calculates", "", name
            )
    for found in _TRITON.finditer(raw):
        what = found[0].decode("utf-8", "replace")
        notes.review("code.library", f"the server opens or runs what it names: {shown(what)}", found.start())
    if b"node" in raw and b"op" in raw:
        # Text may spell the name of an operator in ways that no pattern here knows.
        notes.review("tf.text_graph", "a graph written as text, which was only looked through")


def judge_caffe(raw: bytes, notes: Notes) -> None:
    """Note the layers of a Caffe network that import a module of Python."""
    if _PYTHON_LAYER.search(raw):
        notes.review("caffe.python", "a layer of the network imports a module of Python")


def judge_xml(raw: bytes, notes: Notes) -> None:
    """Refuse entities, and note the custom layers of an OpenVINO network."""
    reader = _Xml(notes)
    try:
        reader.parse(raw)
    except _Refused as error:
        notes.block("xml.entity", str(error))
    except LimitExceeded as error:
        notes.over(error)
    except (expat.ExpatError, ValueError, LookupError) as error:
        if b"<net" in raw[:4096]:
            notes.block("openvino.malformed", f"is not XML: {shown(str(error))}")


class _Xml:
    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.depth = self.elements = 0
        self.is_network = False

    def parse(self, raw: bytes) -> None:
        parser = expat.ParserCreate()
        parser.EntityDeclHandler = self.refuse
        parser.ExternalEntityRefHandler = self.refuse
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.Parse(raw, True)

    def refuse(self, *_: object) -> int:
        raise _Refused("declares entities, which expand without bound or read other files")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.elements += 1
        if self.elements > _MAX_ELEMENTS or self.depth > _MAX_DEPTH:
            raise LimitExceeded("has more elements than any real file, or nests them deeper")
        if self.elements == 1:
            self.is_network = name == "net"
        elif self.is_network and name == "layer":
            version, kind = attributes.get("version", ""), attributes.get("type", "")
            if not _OPSET.fullmatch(version):
                why = f"the layer {shown(kind)} is of {shown(version) or 'no'} operator set"
                self.notes.review("openvino.custom_layer", why, subject=kind)

    def end(self, name: str) -> None:
        self.depth -= 1
