"""The commands: one file per verb, options and help, a call, an exit code."""
