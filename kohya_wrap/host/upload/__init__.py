"""Files brought somewhere else: a folder, a repository of the Hub, another machine; believed when their hashes are equal there."""
