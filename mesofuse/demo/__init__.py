"""The made-up electrode that `mesofuse demo` reconstructs."""
