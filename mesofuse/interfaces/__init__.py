"""What a plugin can supply, one file a kind. Importing this package imports no torch."""
