"""Ways to share a limit among chargers: one file for each."""
