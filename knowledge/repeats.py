"""When repeated tips about one stall (屡犯) weigh more: what the numbers of tips and confirmed violations lead to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From how many tips on a stall is looked at first (in 90 days), goes to the team leader (in 180 days), and from how
    many of one account its tips are looked at together. The bureau's own rule, no law."""

    urgent_tips: int = 2
    lead_tips: int = 3
    lead_confirmed: int = 1
    one_account_tips: int = 5


@dataclass(frozen=True, slots=True)
class Priority:
    """``urgent``: before others; ``lead``: to the team leader and on the list of stalls to inspect (重点名单);
    ``one_account``: whether many tips come from one account is to be looked at first."""

    urgent: bool
    lead: bool
    one_account: bool
    reasons: tuple[str, ...]


def priority(
    tips_90d: int, tips_180d: int, confirmed_180d: int, by_one_account: int = 0, limits: Thresholds | None = None
) -> Priority:
    """What follows from the tips on one stall, the one at hand counted; ``confirmed_180d`` of them confirmed a violation."""
    limits = limits or Thresholds()
    again = confirmed_180d >= limits.lead_confirmed and tips_180d > confirmed_180d
    rules = (
        (urgent := tips_90d >= limits.urgent_tips, f"近90天举报 {tips_90d} 次，优先处理"),
        (many := tips_180d >= limits.lead_tips, f"近180天举报 {tips_180d} 次，报组长并列入重点名单"),
        (again, f"近180天查实 {confirmed_180d} 次后又有新举报，报组长并列入重点名单"),
        (one := by_one_account >= limits.one_account_tips, f"同一账号举报 {by_one_account} 次，先核对是否恶意举报"),
    )
    return Priority(urgent, many or again, one, tuple(reason for holds, reason in rules if holds))
