"""The training view on disk: what `run` gives the engine in place of the user's folder."""
