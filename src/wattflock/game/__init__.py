"""Cooperative games: what coalitions of homes save together, and how the saving is shared."""
