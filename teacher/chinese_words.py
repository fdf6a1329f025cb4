"""Where the words of Chinese text end, by jieba and its plain dictionary."""

import contextlib
import logging
import warnings
from importlib import metadata
from typing import Any

from lauter.datasets.weights import cache_folder


def jieba_tokenizer() -> Any:
    """Return a tokenizer of its own, to which words may be added; jieba's shared one is let be.

    Its dictionary is cached in our folder: jieba's own cache lies in the shared /tmp, under one
    name for every user and version. It writes beside and renames, so parallel workers do not
    disturb each other.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba's import of pkg_resources warns
        import jieba
    jieba.setLogLevel(logging.ERROR)
    tokenizer = jieba.Tokenizer()
    # Without a cache the dictionary takes a second instead of half of one.
    with contextlib.suppress(OSError):
        cache_folder().mkdir(parents=True, exist_ok=True)
    tokenizer.tmp_dir = str(cache_folder())
    tokenizer.cache_file = f"jieba-{metadata.version('jieba')}.cache"
    return tokenizer
