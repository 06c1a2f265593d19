"""The strategies of a write, made sure of before it starts, and what they wish of drift."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from dc43_core.errors import ConfigurationError
from dc43_core.protocol.disposition import ON_INCOMPATIBLE, Policy
from dc43_core.protocol.judge import NamedStrategy, distinct
from dc43_core.vocabulary import RunType


def settle_strategies(
    strategies: Sequence[NamedStrategy], policy: Policy, *, has_rejects: bool
) -> tuple[tuple[NamedStrategy, ...], Policy]:
    """Return the strategies, each name once, and the policy with what they wish of drift.

    Args:
        strategies: As they were asked for.
        policy: What the caller asked for besides.
        has_rejects: Whether there is a reject sink.

    Raises:
        ConfigurationError: if a strategy needs what the write does not have, or two that were
            asked for have one name.
    """
    strategies = distinct(strategies)
    for named in strategies:
        _require_place(named, policy, has_rejects=has_rejects)
    return strategies, _with_wish(policy, strategies)


def _require_place(named: NamedStrategy, policy: Policy, *, has_rejects: bool) -> None:
    """Refuse a strategy that routes rows to nowhere, or too late."""
    strategy = named.strategy
    if not has_rejects and (named.routes or getattr(strategy, "needs_rejects", False)):
        raise ConfigurationError(
            f"strategy {named.name}", ["routes rows to a reject sink; give the write rejects="]
        )
    after = getattr(strategy, "routes_after", 1)
    if named.routes and policy.run_type is RunType.ENFORCE and after > 1:
        raise ConfigurationError(
            f"strategy {named.name}",
            [
                f"routes only from bad batch {after} on, but enforce would block the first; "
                'use run_type="observe", or let it route from the first on'
            ],
        )


def _with_wish(policy: Policy, strategies: Sequence[NamedStrategy]) -> Policy:
    """Return the policy with a strategy's `on_incompatible`, where the caller says nothing."""
    wishes = {
        named: wish
        for named in strategies
        if (wish := getattr(named.strategy, "on_incompatible", None)) is not None
    }
    if not wishes:
        return policy
    who = f"strategies {', '.join(named.name for named in wishes)}"
    if unknown := set(wishes.values()) - set(ON_INCOMPATIBLE):
        words = ", ".join(ON_INCOMPATIBLE)
        raise ConfigurationError(who, [f"on_incompatible: {unknown.pop()!r} is not one of {words}"])
    if policy.on_incompatible_explicit:
        return policy
    wanted, *others = dict.fromkeys(wishes.values())
    if others:
        raise ConfigurationError(
            who,
            ["wish different things of incompatible drift; let one of them say on_incompatible"],
        )
    return evolve(
        policy,
        on_incompatible=wanted,
        on_incompatible_explicit=any(named.explicit for named in wishes),
    )
