"""A fitted model on disk, the device it runs on, and where it comes from."""
