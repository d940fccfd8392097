"""Telegram: python-telegram-bot serves as client and parser only; what it would keep in memory we keep in the database."""

import os

# The library's own switch for what its next version does anyway; without it every "slow down" comes with a warning.
os.environ.setdefault("PTB_TIMEDELTA", "true")
