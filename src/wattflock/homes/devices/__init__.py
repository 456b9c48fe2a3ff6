"""The devices that a scenario can name in `homes.kinds`: one file, one device; the file's name is its name."""
