"""New homes without end, learned from measured ones: arrays in, arrays out; no files, no scenario."""
