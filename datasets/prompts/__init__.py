"""What to say: sources of text, checks of it, and quotas that spread it over cells."""
