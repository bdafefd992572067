"""What a person at a terminal or in a notebook sees while work runs."""
