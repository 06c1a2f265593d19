r"""Regular expressions of ECMA-262, rewritten to mean the same in Java and in Python.

Only the part that the three share is let through. What differs silently is rewritten: `$`
(elsewhere it also matches before a final newline), `.` and `\s` (other sets of characters),
`[` and `&&` inside a class (Java nests classes). What cannot be carried over is refused with
its reason, and so are the forms that can run for ever.
"""

from __future__ import annotations

import re
from functools import lru_cache

from dc43_core.errors import UnenforceableError

MAX_LENGTH = 512
_SPACE = r"\t\n\x0b\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_LINE_END = r"\n\r\u2028\u2029"
# Spelt out: Java before 19 takes letters of any script for word characters here, and Python
# finds no \B in an empty text.
_BOUNDARY = r"(?:(?<=\w)(?!\w)|(?<!\w)(?=\w))"
_NO_BOUNDARY = r"(?:(?<=\w)(?=\w)|(?<!\w)(?!\w))"
_SETS = (r"\d", r"\D", r"\w", r"\W", _SPACE)
_QUANTIFIER = re.compile(r"[*+?]|\{[0-9]+(,[0-9]*)?\}")
_UNBOUNDED = re.compile(r"[*+]|\{[0-9]+,\}")
_NAMED = re.compile(r"\(\?<[A-Za-z_$][A-Za-z0-9_$]*>")


@lru_cache(maxsize=512)
def translate(pattern: str, *, end: str = r"\z") -> str:
    r"""Return the pattern in the common form.

    Args:
        pattern: ECMA-262, without flags.
        end: How the target spells "end of the text": `\z` in Java, `\Z` in Python.

    Raises:
        UnenforceableError: if it is no ECMA-262 pattern, uses a feature that engines
            understand differently, or can take exponential time.
    """
    if len(pattern) > MAX_LENGTH:
        raise UnenforceableError(f"pattern is longer than {MAX_LENGTH} characters")
    result = _Translation(pattern, end).run()
    try:
        re.compile(result.replace(r"\z", r"\Z"))
    except re.error as error:
        raise UnenforceableError(f"pattern {pattern!r}: {error}") from error
    return result


class _Translation:
    def __init__(self, pattern: str, end: str) -> None:
        self.pattern, self.end = pattern, end
        self.at = 0
        self.out: list[str] = []
        # For each open group: has it an unbounded quantifier inside? (the last entry is open)
        self.unbounded: list[bool] = [False]
        # For each open group: does it look around, and thus cannot be repeated?
        self.looks: list[bool] = []
        self.names: set[str] = set()

    def refuse(self, why: str) -> UnenforceableError:
        return UnenforceableError(f"pattern {self.pattern!r}: {why}")

    def run(self) -> str:
        while self.at < len(self.pattern):
            self.atom()
        return "".join(self.out)

    def ahead(self, char: str, offset: int = 0) -> bool:
        return self.pattern[self.at + offset : self.at + offset + 1] == char

    def take(self, count: int = 1) -> str:
        taken = self.pattern[self.at : self.at + count]
        self.at += count
        return taken

    def atom(self) -> None:
        char = self.pattern[self.at]
        inner_unbounded = False
        match char:
            case "\\":
                self.out.append(self.escape(in_class=False))
                if self.out[-1] in (_BOUNDARY, _NO_BOUNDARY):
                    return
            case "[":
                self.out.append(self.char_class())
            case "(":
                self.group()
                return
            case ")":
                if len(self.unbounded) == 1:
                    raise self.refuse("unbalanced )")
                inner_unbounded = self.unbounded.pop()
                self.unbounded[-1] |= inner_unbounded
                self.out.append(self.take())
                if self.looks.pop():
                    return
            case "^" | "|":
                self.out.append(self.take())
                return
            case "$":
                self.take()
                self.out.append(self.end)
                return
            case ".":
                self.take()
                self.out.append(f"[^{_LINE_END}]")
            case _ if _QUANTIFIER.match(self.pattern, self.at):
                raise self.refuse(f"nothing to repeat before {char}")
            case "{" | "}" | "]":
                # Legal as literals in ECMA-262 without the u flag, not so in Java.
                self.out.append("\\" + self.take())
            case _:
                self.out.append(self.take())
        self.quantifier(inner_unbounded)

    def quantifier(self, inner_unbounded: bool) -> None:
        found = _QUANTIFIER.match(self.pattern, self.at)
        if not found:
            return
        text = self.take(len(found.group()))
        if _UNBOUNDED.match(text):
            if inner_unbounded:
                raise self.refuse("a repeated group repeats inside, which can run for ever")
            self.unbounded[-1] = True
        self.out.append(text)
        if self.ahead("?"):
            self.out.append(self.take())

    def group(self) -> None:
        rest = self.pattern[self.at :]
        named = _NAMED.match(rest)
        if rest.startswith(("(?:", "(?=", "(?!")):
            self.out.append(self.take(3))
        elif rest.startswith(("(?<=", "(?<!")):
            self.out.append(self.take(4))
        elif named:
            # Names cannot be referred to (no back-references), so the group needs none.
            name = self.take(len(named.group()))
            if name in self.names:
                raise self.refuse(f"two groups are named {name[3:-1]}")
            self.names.add(name)
            self.out.append("(")
        elif rest.startswith("(?"):
            raise self.refuse(f"{rest[:3]} is not part of ECMA-262")
        else:
            self.out.append(self.take())
        self.unbounded.append(False)
        self.looks.append(rest.startswith(("(?=", "(?!", "(?<=", "(?<!")))

    def escape(self, *, in_class: bool) -> str:
        self.take()
        if self.at >= len(self.pattern):
            raise self.refuse("ends in a backslash")
        char = self.take()
        if char in "dDwWtnrf":
            return "\\" + char
        if char == "v":
            return r"\x0b"
        if char == "s":
            return _SPACE if in_class else f"[{_SPACE}]"
        if char == "S":
            if in_class:
                raise self.refuse(r"\S inside a class")
            return f"[^{_SPACE}]"
        if char in "bB" and not in_class:
            return _BOUNDARY if char == "b" else _NO_BOUNDARY
        if char == "b":
            return r"\x08"
        if char == "0" and not self.pattern[self.at : self.at + 1].isdigit():
            return r"\x00"
        if char == "x" and re.match(r"[0-9A-Fa-f]{2}", self.pattern[self.at :]):
            return r"\x" + self.take(2)
        if char == "u" and re.match(r"[0-9A-Fa-f]{4}", self.pattern[self.at :]):
            if self.pattern[self.at] in "dD" and self.pattern[self.at + 1] in "89abcdefABCDEF":
                raise self.refuse("write a character beyond U+FFFF itself, not as two halves")
            return r"\u" + self.take(4)
        if char.isdigit() or char == "k":
            raise self.refuse("back-references are not supported")
        if char.isalnum():
            raise self.refuse(f"\\{char} is not supported")
        return "\\" + char

    def char_class(self) -> str:
        out = [self.take()]
        if self.ahead("^"):
            out.append(self.take())
        if self.ahead("]"):
            raise self.refuse("an empty class is not supported")
        while not self.ahead("]"):
            low = self.class_atom()
            out.append(low)
            if self.ahead("-") and not self.ahead("]", 1):
                self.take()
                high = self.class_atom()
                # Beside \d and its like a hyphen is a hyphen, whatever other engines think.
                out += [r"\-" if low in _SETS or high in _SETS else "-", high]
        out.append(self.take())
        return "".join(out)

    def class_atom(self) -> str:
        if self.at >= len(self.pattern):
            raise self.refuse("a [ is not closed")
        char = self.pattern[self.at]
        if char == "\\":
            return self.escape(in_class=True)
        # Java nests classes and intersects them; a backslash makes these literal.
        return "\\" + self.take() if char in "[&~|#^-" or char.isspace() else self.take()
