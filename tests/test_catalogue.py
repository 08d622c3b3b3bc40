import json
import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from radios import antenna, codes

from sim.physics.terminals import TerminalParameters
from sim.scenario.assets import StationParameters
from sim.scenario.parts import group_data

FOLDER = Path(__file__).parents[1] / "sim" / "scenario" / "catalogue"
STATIONS = group_data("stations")


@pytest.mark.parametrize("name", sorted(STATIONS))
def test_a_station_is_one(name):
    station = StationParameters.model_validate_json(json.dumps(STATIONS[name]))
    assert station.terminals
    for terminal in station.terminals.values():
        assert isinstance(terminal, TerminalParameters)
        assert terminal.antenna.frequency_min_hz is not None


def test_antennas_and_codes_are_valid():
    for values in group_data("antennas").values():
        kind = values["kind"]
        assert antenna(**values).kind == kind
    assert len(codes()) == len(group_data("codes"))
    assert TypeAdapter(dict[str, object]).validate_python(codes())


@pytest.mark.parametrize("file", ["stations.yaml", "antennas.yaml"])
def test_every_number_has_its_source(file):
    for line in (FOLDER / file).read_text().splitlines():
        if re.search(r":\s+\[?-?\d", line.split("#")[0]):
            assert re.search(r"#\s+\S", line), line
