"""Releases of fmc: the version, the changelog, the tag, the wheel and the source distribution.

Not part of the package: `make release` runs it in a checkout. A tag `vX.Y.Z` is what `copier update` follows, so that
command and template are released together.
"""
