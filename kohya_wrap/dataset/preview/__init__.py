"""A checked dataset as one HTML page that stands alone."""
