"""Losses and degradations that adversarial methods of mesofuse share."""
