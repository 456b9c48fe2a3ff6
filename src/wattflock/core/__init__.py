"""What every room uses: types, errors, the registry of parts, settings, scenarios, files."""
