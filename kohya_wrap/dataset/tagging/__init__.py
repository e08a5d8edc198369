"""Captioners: from pictures to what they show, in words."""
