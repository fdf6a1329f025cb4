"""A model that many ask at once: requests join and leave a running batch."""
