"""Tip-offs as their reporters see them: filing, following, answering."""
