"""New homes learned from measured ones: arrays in, arrays out; no files, no scenario."""
