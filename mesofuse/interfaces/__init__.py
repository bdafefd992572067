"""What a plugin can supply, one file per kind. Importing this package imports no torch."""
