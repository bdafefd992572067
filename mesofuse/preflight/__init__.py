"""Whether scan and image belong together, asked before anything is trained."""
