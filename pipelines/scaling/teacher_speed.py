"""How fast a large speaking model decodes, from its size and its cards: a roofline.

A step of continuous batching gives every stream one code. It must read all weights and every
stream's keys and values from memory (bound by bandwidth), and multiply the weights by as many
columns as there are streams (bound by arithmetic): Pope et al., "Efficiently scaling transformer
inference" (2211.05102), section 2. The longer of reading weights and multiplying counts, as the
two overlap; reading keys and values comes on top, as attention waits for its layer; so does what
the cards of a server say to each other in each layer.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """An accelerator by its data sheet, dense bfloat16."""

    memory_bytes: float
    bytes_per_second: float
    flops: float


@dataclass(frozen=True)
class SpeakingServer:
    """A model on ``cards`` cards by tensor parallelism, and what it reaches of their data sheet.

    ``bandwidth_reached`` and ``flops_reached`` are shares, ``layer_overhead_s`` is the time of a
    layer's reductions over the cards, and ``memory_used`` the share of memory for weights, keys
    and values.
    """

    card: Card
    cards: int
    weights: float
    bytes_per_weight: float
    layers: int
    key_value_heads: int
    head_size: int
    bandwidth_reached: float = 1.0
    flops_reached: float = 1.0
    layer_overhead_s: float = 0.0
    memory_used: float = 1.0

    @property
    def weight_bytes(self) -> float:
        """Size of the weights."""
        return self.weights * self.bytes_per_weight

    @property
    def bytes_per_id(self) -> float:
        """Size of an id's keys and values in all layers, two bytes a number."""
        return 2 * 2 * self.layers * self.key_value_heads * self.head_size

    def step_seconds(self, streams: float, context: float) -> float:
        """Return the time in which ``streams`` streams, ``context`` ids long, get a code each."""
        read = self.weight_bytes / self._bytes_per_second
        multiplied = 2 * self.weights * streams / self._flops
        attended = streams * context * self.bytes_per_id / self._bytes_per_second
        return max(read, multiplied) + attended + self.layers * self.layer_overhead_s

    def codes_per_second(self, streams: float, context: float) -> float:
        """Return the codes of all streams together."""
        return streams / self.step_seconds(streams, context)

    def reading_seconds(self, ids: float) -> float:
        """Return the time in which so many ids of prompts are read (bound by arithmetic)."""
        return 2 * self.weights * ids / self._flops

    def most_streams(self, context: float) -> int:
        """Return how many streams of ``context`` ids fit beside the weights; 0: not even these."""
        left = self.cards * self.card.memory_bytes * self.memory_used - self.weight_bytes
        return max(0, int(left / (context * self.bytes_per_id)))

    @property
    def _bytes_per_second(self) -> float:
        return self.cards * self.card.bytes_per_second * self.bandwidth_reached

    @property
    def _flops(self) -> float:
        return self.cards * self.card.flops * self.flops_reached
