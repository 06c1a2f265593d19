"""Helpers that hand most of their keywords on: still with a signature that says all of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from dc43_core.errors import meant

Helper = TypeVar("Helper", bound=Callable[..., Any])
_VARIADIC = inspect.Parameter.VAR_KEYWORD


def hands_on_to(other: Callable[..., Any]) -> Callable[[Helper], Helper]:
    """Give a helper with `**options` the keywords of the function that it hands them on to.

    What `help()`, notebooks and `inspect.signature` show is then what can be given, and a
    misspelt keyword is refused under the helper's own name.
    """

    def decorate(helper: Helper) -> Helper:
        own = inspect.signature(helper, eval_str=False)
        theirs = inspect.signature(other).parameters.values()
        named = [p for p in own.parameters.values() if p.kind is not _VARIADIC]
        known = {p.name for p in named}
        more = [
            p for p in theirs if p.kind is inspect.Parameter.KEYWORD_ONLY and p.name not in known
        ]
        names = [*known, *(p.name for p in more)]

        @wraps(helper)
        def called(*args: Any, **options: Any) -> Any:
            for name in options:
                if name not in names:
                    hint = meant(name, names)
                    raise TypeError(f"{helper.__name__}() has no parameter {name!r}{hint}")
            return helper(*args, **options)

        called.__signature__ = own.replace(parameters=[*named, *more])  # type: ignore[attr-defined]
        return cast("Helper", called)

    return decorate
