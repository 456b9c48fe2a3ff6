"""Simulated residents: a truth is drawn first, and each answer entails it."""
