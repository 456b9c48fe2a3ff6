"""The terminal: commands made from the verbs' signatures (`cli`), and what they print (`render`)."""
