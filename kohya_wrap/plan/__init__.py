"""What a training will need and cost, before anything is paid for: the shipped data, each file of it read in one module."""
