"""Pydantic models of every input file."""
