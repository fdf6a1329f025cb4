"""Our own models behind a socket, in the words of OpenAI's API."""
