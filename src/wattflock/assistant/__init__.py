"""The assistant: what a resident says becomes parameters, with evidence and nothing guessed in silence."""
