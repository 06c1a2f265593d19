"""Engines of other languages, with which the translation of patterns is compared."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

JAVASCRIPT = """\
const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const [pattern, flags, texts] = JSON.parse(line);
  let answer = null;
  try {
    const compiled = new RegExp(pattern, flags);
    answer = texts.map((text) => compiled.test(text));
  } catch (error) {}
  console.log(JSON.stringify(answer));
});
"""
JAVA = """\
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.regex.*;

public class Main {
    static String text(String hex) {
        return new String(HexFormat.of().parseHex(hex), StandardCharsets.UTF_8);
    }

    public static void main(String[] arguments) throws IOException {
        var lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null; ) {
            String[] parts = line.split(",", -1);
            var answer = new StringBuilder();
            try {
                Pattern compiled = Pattern.compile(text(parts[0]));
                for (int i = 1; i < parts.length; i++)
                    answer.append(compiled.matcher(text(parts[i])).find() ? "1" : "0");
            } catch (PatternSyntaxException error) {
                answer.append("invalid");
            }
            System.out.println(answer);
        }
    }
}
"""
Engine = Callable[..., list[bool] | None]
"""Answers for a pattern and texts whether each is matched; None if the pattern is invalid."""


@contextmanager
def conversation(*command: str) -> Iterator[Callable[[str], str]]:
    """One process that answers each line by a line."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdin is not None
    assert process.stdout is not None
    asking, answering = process.stdin, process.stdout

    def ask(line: str) -> str:
        asking.write(line + "\n")
        asking.flush()
        return answering.readline().rstrip("\n")

    with process:
        yield ask
        asking.close()


@pytest.fixture(scope="module")
def javascript() -> Iterator[Engine]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: no ECMA-262 engine to compare with")
    with conversation(node, "-e", JAVASCRIPT) as ask:

        def matches(pattern: str, texts: Sequence[str], flags: str = "") -> list[bool] | None:
            answer: list[bool] | None = json.loads(ask(json.dumps([pattern, flags, texts])))
            return answer

        yield matches


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    command = shutil.which("java")
    if command is None:
        pytest.skip("java is not installed: no java.util.regex to compare with")
    source = tmp_path_factory.mktemp("java") / "Main.java"
    source.write_text(JAVA)
    with conversation(command, str(source)) as ask:

        def matches(pattern: str, texts: Sequence[str]) -> list[bool] | None:
            answer = ask(",".join(part.encode().hex() for part in (pattern, *texts)))
            return None if answer == "invalid" else [found == "1" for found in answer]

        yield matches
