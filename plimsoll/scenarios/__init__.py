"""Scenarios: stated worlds in YAML, played on any venue, checked after every step, told in a report."""
