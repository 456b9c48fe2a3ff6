"""Clock phrases, quantities and dates in a resident's words, by locale; readings are candidates with evidence."""
