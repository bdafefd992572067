"""File formats: a file a format, and what the bytes of pictures mean."""
