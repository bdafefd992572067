"""Measuring volumes and images, and comparing what was measured."""
