"""The blocks of documents: found with their places, replaced by a table, run as they stand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.documents.blocks import Page, environment

TEXT = """\
# Title

## First

```bash
# a remark
echo one   # and another
FOO=two bash -c 'echo $FOO " #kept"'
echo three \\
  four
```

1. In a list

   ```python no-run
   if True:
       print(1)
   ```

## Substitutions

| in the document | here | why |
|---|---|---|
| `one` | `uno` | another language |
| `one two` | `due` | longer |
| `gone ` | (nothing) | |
| not code | `x` | |

```console
$ echo five
five
```
"""
PAGE = Page(Path("page.md"), TEXT)


def test_every_block_has_its_language_words_heading_and_line() -> None:
    found = [(b.language, b.words, b.heading, b.line) for b in PAGE.blocks()]
    assert found == [
        ("bash", (), "First", 5),
        ("python", ("no-run",), "First", 15),
        ("console", (), "Substitutions", 29),
    ]
    assert PAGE.blocks("python")[0].text == "if True:\n    print(1)\n"


def test_commands_are_without_remarks_prompts_and_output() -> None:
    bash, console = PAGE.blocks("bash", "console")
    assert bash.commands() == ["echo one", "FOO=two bash -c 'echo $FOO \" #kept\"'", "echo three four"]
    assert console.commands() == ["echo five"]


def test_the_table_is_read_and_the_longest_is_replaced_first() -> None:
    table = PAGE.substitutions()
    assert table == {"one": "uno", "one two": "due", "gone ": ""}
    block = PAGE.blocks("bash")[0].one("one two one gone twone")
    assert block.replaced(table).text == "due uno twuno\n"
    with pytest.raises(AssertionError, match="no table"):
        Page(Path("page.md"), "# T\n").substitutions()


def test_blocks_run_where_and_as_they_are_told(tmp_path: Path) -> None:
    bash, python, console = PAGE.blocks()
    env = environment(tmp_path, SAID="hello")
    assert bash.run(cwd=tmp_path, env=env).stdout == "one\ntwo  #kept\nthree four\n"
    assert python.run(cwd=tmp_path, env=env).stdout == "1\n"
    assert console.run(cwd=tmp_path, env=env).stdout == "five\n"
    assert bash.one("echo $SAID; pwd").run(cwd=tmp_path, env=env).stdout == f"hello\n{tmp_path}\n"
    who = bash.one("python -c 'import sys; print(sys.executable)'").run(cwd=tmp_path, env=env).stdout
    assert Path(who.strip()).parent == Path(sys.executable).parent


def test_a_block_that_fails_is_told_with_its_line_and_output(tmp_path: Path) -> None:
    bash = PAGE.blocks("bash")[0].one("echo before; false; echo after")
    with pytest.raises(AssertionError, match=r"line 5:[^$]*-> 1\nbefore\n"):
        bash.run(cwd=tmp_path, env=environment(tmp_path))
    assert bash.run(cwd=tmp_path, env=environment(tmp_path), code=1).stdout == "before\n"
    with pytest.raises(AssertionError, match="cannot be run"):
        Page(Path("p.md"), "```yaml\na: 1\n```\n").blocks()[0].run(cwd=tmp_path, env={})


def test_a_block_that_does_not_end_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match=r"page\.md:1: the block does not end"):
        Page(Path("page.md"), "```bash\necho\n").blocks()
