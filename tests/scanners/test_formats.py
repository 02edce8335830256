"""What holds for every format: where it is read, what the tables say, and how the walkers agree."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostile.forge_formats import field, good, gtemplate, keras, onnx, onode, saved_model, tgraph, tnode
from weighbridge.domain.scan import ScanState, Severity
from weighbridge.scanners._worker import TASKS
from weighbridge.scanners.formats import FORMATS, read_source
from weighbridge.scanners.notes import LimitExceeded, Malformed, Notes
from weighbridge.scanners.onnx_table import OPERATORS
from weighbridge.scanners.protobuf import BYTES, MAX_PARTS, message
from weighbridge.scanners.templates import lint_template
from weighbridge.scanners.tf_table import CALCULATING, CHECKPOINTS, FOREIGN
from weighbridge.scanners.tree import scan_tree


def verdict(name: str, path: str, content: bytes) -> Severity:
    notes = Notes(path)
    read_source(name, io.BytesIO(content), len(content), path, notes)
    return max([Severity.ALLOW, *(finding.severity for finding in notes.findings)])


def test_every_format_is_read_in_the_sandbox() -> None:
    assert set(FORMATS) <= set(TASKS)


def test_a_format_is_read_by_its_content_under_any_other_name(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(gtemplate("{{ x.__class__ }}"))
    report = scan_tree([("weights", file, "0" * 64)])
    assert (report.verdict, report.files[0].format) == (Severity.BLOCK, "gguf")


def test_no_operator_stands_in_two_tables() -> None:
    assert not CALCULATING & FOREIGN
    assert not (CALCULATING | FOREIGN) & CHECKPOINTS
    assert {"MatMul", "StatefulPartitionedCall"} <= CALCULATING
    assert {"PyFunc", "EagerPyFunc", "ReadFile", "WriteFile", "PrintV2"} <= FOREIGN
    assert {"MatMul", "If", "Loop"} <= OPERATORS[""]
    assert "com.microsoft" not in OPERATORS


def test_a_bare_graph_with_a_saver_asks_for_a_look_and_a_model_with_another_is_blocked() -> None:
    saving = tgraph(tnode("Placeholder", name="p"), tnode("SaveV2", inputs=("p",)))
    assert verdict("tensorflow", "graph.pb", saving) is Severity.REVIEW
    assert verdict("tensorflow", "saved_model.pb", saved_model(saving)) is Severity.BLOCK
    named = field(3, field(1, "p:0"))
    assert verdict("tensorflow", "saved_model.pb", saved_model(saving, named)) is Severity.ALLOW


def test_an_operator_is_judged_once_for_all_its_nodes() -> None:
    notes = Notes("m.onnx")
    content = onnx(*[onode("Fused", "com.microsoft")] * 500)
    read_source("onnx", io.BytesIO(content), len(content), "m.onnx", notes)
    assert len(notes.findings) == 1


# -- protocol buffers ---------------------------------------------------------------------------

_FIELDS = st.lists(
    st.tuples(st.integers(1, 500), st.one_of(st.integers(0, 2**64 - 1), st.binary(max_size=300)))
)


@given(_FIELDS)
def test_a_message_is_read_as_it_was_written(fields: list[tuple[int, int | bytes]]) -> None:
    raw = b"".join(field(number, value) for number, value in fields)
    loaded = message(io.BytesIO(raw), len(raw))
    found = [(p.number, p.body.raw(1 << 20) if p.wire == BYTES else p.value) for p in loaded.parts()]
    assert found == fields


def test_a_long_message_is_read_piece_by_piece_to_the_same_end() -> None:
    raw = b"".join(field(n % 7 + 1, bytes(100_000)) for n in range(30)) + field(9, "end")
    parts = list(message(io.BytesIO(raw), len(raw)).parts())
    assert [part.number for part in parts] == [*(n % 7 + 1 for n in range(30)), 9]
    assert parts[-1].body.text() == "end"


_SIZES = st.sampled_from(
    [*range(3), *range(4070, 4100), 40_000, *range((1 << 18) - 40, (1 << 18) + 2), 1 << 20]
)


@settings(max_examples=50)
@given(st.lists(_SIZES, min_size=2, max_size=20))
def test_a_field_that_is_cut_by_what_is_read_at_once_is_read_whole(sizes: list[int]) -> None:
    raw = b"".join(field(number % 9 + 1, bytes(size)) for number, size in enumerate(sizes))
    outer = field(3, raw) + field(1, 7)
    whole, end = message(io.BytesIO(outer), len(outer)).parts()
    assert [(part.number, part.body.size) for part in whole.body.parts()] == [
        (number % 9 + 1, size) for number, size in enumerate(sizes)
    ]
    assert (end.number, end.value) == (1, 7)


def test_a_file_that_is_shorter_than_it_was_is_refused() -> None:
    with pytest.raises(Malformed):
        list(message(io.BytesIO(field(1, bytes(5000))), 50_000).parts())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(raw: bytes) -> None:
    try:
        parts = list(message(io.BytesIO(raw), len(raw)).parts())
    except Malformed:
        return
    assert sum(part.body.size for part in parts) <= len(raw)


def test_fields_are_counted() -> None:
    raw = field(1, 1) * (MAX_PARTS + 1)
    with pytest.raises(LimitExceeded):
        sum(1 for _ in message(io.BytesIO(raw), len(raw)).parts())


# -- templates ------------------------------------------------------------------------------------

CHAT = (
    "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content']}}{% endfor %}",
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% endif %}"
    "{{ raise_exception('Conversation roles must alternate') }}{{ bos_token + '[INST] ' ~ eos_token }}",
    "{%- macro render(x) %}{{ x | tojson(indent=4) }}{% endmacro %}{{ render(tools[0].function) }}",
    "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% continue %}{% endfor %}",
    "{% set ns = namespace(found=false) %}{% set ns.found = true %}{{ strftime_now('%d %b %Y') }}",
    "{{ messages[loop.index0 + 1].items() | map(attribute='name') | selectattr('x', 'equalto', 1) }}",
    "{{ 'Answer: {}'.format(x) }}{{ '%s' | format(x) }}{{ content.split('</think>')[-1].lstrip('\n') }}",
)


@pytest.mark.parametrize("text", CHAT)
def test_a_template_as_people_write_them_is_let_in(text: str) -> None:
    notes = Notes("chat_template.jinja")
    lint_template(text, notes)
    assert notes.findings == ()


# -- numbers beside what describes them -------------------------------------------------------------


def scanned(folder: Path, files: dict[str, bytes]) -> dict[str, tuple[Severity, ScanState]]:
    listed = []
    for number, (path, content) in enumerate(files.items()):
        file = folder / str(number)
        file.write_bytes(content)
        listed.append((path, file, "0" * 64))
    return {file.path: (file.verdict, file.state) for file in scan_tree(listed).files}


NUMBERS = bytes(range(256)) * 3
LET_IN, OPEN = (Severity.ALLOW, ScanState.SCANNED), (Severity.REVIEW, ScanState.UNSUPPORTED)


@pytest.mark.parametrize(
    ("numbers", "describing", "content"),
    [
        ("sub/model.bin", "sub/model.xml", good("openvino/openvino_model.xml")),
        ("model.onnx_data", "model.onnx", good("onnx/outside.onnx")),
        ("model.onnx.data", "model.onnx", good("onnx/outside.onnx")),
        ("v.data-00000-of-00001", "v.index", good("tensorflow/saved_model/variables/variables.index")),
    ],
)
def test_numbers_are_vouched_for_by_what_describes_them(
    numbers: str, describing: str, content: bytes, tmp_path: Path
) -> None:
    assert scanned(tmp_path, {numbers: NUMBERS, describing: content})[numbers] == LET_IN
    assert scanned(tmp_path, {numbers: NUMBERS})[numbers] == OPEN
    assert scanned(tmp_path, {numbers: NUMBERS, f"other/{describing}": content})[numbers] == OPEN
    assert scanned(tmp_path, {numbers: NUMBERS, describing: content[:-9]})[numbers] == OPEN


def test_what_is_something_else_is_not_vouched_for(tmp_path: Path) -> None:
    network = good("openvino/openvino_model.xml")
    found = scanned(
        tmp_path, {"a.bin": b"cos\nsystem\n(S'x'\ntR.", "a.xml": network, "b.bin": NUMBERS, "b.xml": b"<x/>"}
    )
    assert found["a.bin"][0] is Severity.BLOCK
    assert found["b.bin"] == OPEN


def test_the_report_names_formats(tmp_path: Path) -> None:
    file = tmp_path / "x"
    for path, content, format in (
        ("m.keras", keras({"class_name": "Sequential", "config": {}}), "keras"),
        ("m.onnx", good("onnx/matmul.onnx"), "onnx"),
        ("tokenizer.model", good("sentencepiece/bpe.model"), "sentencepiece"),
        ("m.h5", good("keras/sequential.h5"), "hdf5"),
    ):
        file.write_bytes(content)
        report = scan_tree([(path, file, "0" * 64)])
        assert (report.files[0].format, report.verdict) == (format, Severity.ALLOW)
