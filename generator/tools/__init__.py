"""Every external program, behind one `Command` type."""
