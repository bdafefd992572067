"""Sampling, the adversarial loop, checkpoints, the run's log."""
