"""The markets that a scenario can name as `market.part`: one file, one market; the file's name is its name."""
