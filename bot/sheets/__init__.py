"""Spreadsheets that people send, read in a limited child process; and those that are handed out."""
