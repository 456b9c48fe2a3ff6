"""Hosting capacity and operating envelopes of a feeder."""
