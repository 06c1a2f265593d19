"""How the pages become a site: the index is the table of contents, and no link leads outside."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

_SECTION = re.compile(r"^\*\*(.+)\*\*$")
_ENTRY = re.compile(r"^- \[([^\]]+)\]\(([^)#]+\.md)\)")
_LINK = re.compile(r"\[([^\]\[]+)\]\((?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Make the navigation from the sections and links of the index."""
    nav: list[Any] = [{"Overview": "index.md"}]
    with open(f"{config.docs_dir}/index.md", encoding="utf-8") as index:  # noqa: PTH123
        for line in index.read().splitlines():
            if section := _SECTION.match(line):
                nav.append({section[1]: []})
            elif (entry := _ENTRY.match(line)) and isinstance(nav[-1], dict):
                title, page = entry[1].replace("`", ""), entry[2]
                next(iter(nav[-1].values())).append({title: page})
    config.nav = nav
    return config


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Keep of a link to a file that is not among the pages its text and the file's name."""
    folder = PurePosixPath(page.file.src_uri).parent

    def kept(link: re.Match[str]) -> str:
        parts: list[str] = []
        for part in (folder / link[2]).parts:
            if part == ".." and parts and parts[-1] != "..":
                parts.pop()
            elif part != ".":
                parts.append(part)
        if parts[:1] != [".."] and "/".join(parts) in files.src_uris:
            return link[0]
        name = "/".join(part for part in parts if part != "..")
        return f"{link[1]} (`{name}` in the repository)"

    return _LINK.sub(kept, markdown)
