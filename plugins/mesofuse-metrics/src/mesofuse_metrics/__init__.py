"""Metrics of labelled volumes and images for mesofuse."""
