"""Which reading of an answer belongs to which slot: one file per family of slots."""
