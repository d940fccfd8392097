"""Platforms that the bot talks to, as real servers on loopback, written from their documented behaviour alone."""
