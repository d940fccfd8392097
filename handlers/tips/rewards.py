"""举报奖励: what it is, and whether a report may qualify, by a few questions."""

from __future__ import annotations
