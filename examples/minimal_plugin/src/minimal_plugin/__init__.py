"""The smallest useful plugin of mesofuse."""
