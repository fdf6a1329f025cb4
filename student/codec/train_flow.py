"""Training the flow: the codes stand still, condition and timbre go on learning with it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from lauter.student.codec.blocks import mask_of
from lauter.student.codec.flow import Flow, flow_loss, start_of, told_by
from lauter.student.codec.learning_rate import cosine_rate
from lauter.student.codec.mel import FRAMES_PER_GROUP
from lauter.student.codec.semantic import quantise
from lauter.student.codec.train_codes import ClipBatch, CodesModel


@dataclass(frozen=True, slots=True)
class FlowTraining:
    """How the flow is trained."""

    steps: int = 3000
    batch_size: int = 12
    longest_groups: int = 30
    learning_rate: float = 8e-4
    least_learning_rate: float = 4e-5
    untold: float = 0.15
    """Share of the clips for which the flow is told nothing, for guidance."""
    without_a_book: float = 0.1
    prompted: float = 0.5
    """Share of the clips whose beginning is given."""
    coarse_weight: float = 0.5
    seed: int = 0


def train_flow(
    model: CodesModel,
    flow: Flow,
    batches: Iterator[ClipBatch],
    settings: FlowTraining,
    on_step: Callable[[int, dict[str, float]], None],
) -> None:
    """Train ``flow``, condition and timbre of ``model`` in place; its codes stay as they are."""
    device = next(flow.parameters()).device
    for part in (model.semantic, model.reader):
        part.requires_grad_(False)
    parameters = [*flow.parameters(), *model.condition.parameters(), *model.timbre.parameters()]
    optimizer = torch.optim.AdamW(parameters, settings.learning_rate, betas=(0.9, 0.98))
    chance = torch.Generator().manual_seed(settings.seed)
    for step in range(settings.steps):
        rate = cosine_rate(
            step, settings.steps, settings.learning_rate, settings.least_learning_rate
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = next(batches).to(device)
        size, frames = batch.mels.shape[:2]
        with torch.autocast(device.type, torch.bfloat16):
            with torch.no_grad():
                points = quantise(
                    model.semantic(batch.mels, mask_of(batch.groups * 3, frames // 4))
                )
            timbre = model.timbre(
                batch.references, mask_of(batch.reference_steps, batch.references.shape[1] // 4)
            )
            drawn = torch.rand(size, generator=chance).to(device)
            features, coarse = model.condition(
                batch.linguistic,
                points,
                timbre,
                batch.groups,
                use_linguistic=drawn >= settings.without_a_book,
                use_semantic=drawn < 1 - settings.without_a_book,
            )
            mask = mask_of(batch.groups * FRAMES_PER_GROUP, frames)
            share = torch.rand(size, generator=chance) * 0.6
            share = share * (torch.rand(size, generator=chance) < settings.prompted)
            velocity = flow_loss(
                flow,
                batch.mels,
                start_of(
                    coarse.float(), torch.randn(batch.mels.shape, generator=chance).to(device)
                ),
                torch.rand(size, generator=chance).to(device),
                told_by(features, coarse),
                (share.to(device) * batch.groups * FRAMES_PER_GROUP).long(),
                mask,
                torch.rand(size, generator=chance).to(device) >= settings.untold,
            )
            error = ((coarse - batch.mels).abs() * mask).sum() / (mask.sum() * batch.mels.shape[-1])
        optimizer.zero_grad(set_to_none=True)
        (velocity + settings.coarse_weight * error).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        on_step(step, {"velocity": float(velocity.detach()), "mel": float(error.detach())})
