"""The report card of made homes: every statistic of it, as plain numbers that any page can show."""

from wattflock.synth.card.collect import collect

__all__ = ["collect"]
