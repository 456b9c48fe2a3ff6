"""The feeders that a scenario can name as `feeder.part`: one file, one feeder; the file's name is its name."""
