"""The studio: Kokoro's neural voices on a CPU, and what surrounds them."""
