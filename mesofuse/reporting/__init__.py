"""Figures, and progress on the terminal."""
