"""Arguments and options that several commands have, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Pipeline = Annotated[Path, typer.Argument(metavar="PIPELINE.toml", help="The pipeline file.")]
DatasetId = Annotated[str, typer.Argument(metavar="DATASET", help="The dataset's id.")]
Namespace = Annotated[
    str | None, typer.Option(help="First part of its key; default: the configuration's.")
]
OnlyNamespace = Annotated[
    str | None, typer.Option(help="Only this namespace; default: the configuration's.")
]
Newest = Annotated[int, typer.Option(min=1, help="Show only the last so many.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
