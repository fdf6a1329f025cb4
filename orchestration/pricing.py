"""What the settings say that stages cost."""

from omegaconf import DictConfig

from lauter.pipelines.cost import Prices


def prices_of(settings: DictConfig) -> Prices:
    """Return the prices of the settings."""
    return Prices(
        settings.price_per_core_hour,
        {str(stage): float(price) for stage, price in settings.prices.items()},
        frozenset(settings.devices),
        settings.currency,
    )
