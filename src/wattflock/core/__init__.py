"""What every room uses: types, errors, the registry of parts, settings, scenarios, files."""

from wattflock.core import compiler

compiler.set_flags()  # before anything can be compiled
