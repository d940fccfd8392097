"""Commands of the bureau's back office: staff, custodians of identities, the audit log, cases. Nothing here serves the
public, and no process that does imports the part that opens identities."""
