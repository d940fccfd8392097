"""The ledger: shops and their members, instruments and their dates, tables, certificates, reminders, calendars."""
