"""Comparing methods: a row an entry, from fit to table."""
