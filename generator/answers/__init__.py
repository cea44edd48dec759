"""The answers room: the questionnaire, a person's answers file, the rules on both, and the address plan they give.

Rules on values stand once, in Jinja: `lib/field/` for single answers, `lib/rules/` for several together. This package
asks them the way Copier does and adds what Jinja can't know: places in the file, what a misspelt key was meant to be,
whether an SSH key parses and a time zone exists.
"""
