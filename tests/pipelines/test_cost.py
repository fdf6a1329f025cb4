"""What rows cost, by stage."""

import pytest

from lauter.pipelines.cost import Prices, seconds_of

ROW = {"wall_s": 3.0, "device_s": 2.0, "duration_s": 1.0}


def asked(server: str) -> list[dict[str, object]]:
    return [{"server": server, "outcome": "ok", "seconds": 2.0, "seed": 1}]


def test_who_waits_for_a_server_costs_beside_its_devices() -> None:
    row = ROW | {"server_attempts": asked("http://somewhere")}
    assert seconds_of(row) == {"speak": 3.0, "teacher": 2.0}


def test_a_model_in_the_worker_itself_is_paid_once() -> None:
    assert seconds_of(ROW | {"server_attempts": asked("local")}) == {"speak": 1.0, "teacher": 2.0}


def test_a_teacher_without_servers_is_the_workers_time_alone() -> None:
    assert seconds_of(ROW | {"server_attempts": None}) == {"speak": 3.0}


def test_scorers_and_the_decoder_are_stages_too() -> None:
    shares = [{"scorer": "asr", "seconds": 0.5}, {"scorer": "asr", "seconds": 0.25}]
    assert seconds_of(ROW | {"decode_s": 0.1, "scorer_seconds": shares}) == {
        "speak": 3.0, "decode": 0.1, "asr": 0.75,
    }  # fmt: skip


def test_prices_are_of_an_hour_of_each_stages_device() -> None:
    prices = Prices(per_core_hour=0.1, by_stage={"teacher": 2.5})
    seconds = {"speak": 3600.0, "teacher": 1800.0}
    assert prices.of(seconds) == pytest.approx(0.1 + 1.25)
    assert prices.device_hours(seconds) == 0.5
