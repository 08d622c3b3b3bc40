"""What a YAML text means to farside: scalars, lines, sources, parts, overrides, files."""

import json
import math
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import ScenarioError, SimError
from sim.scenario.loading import load_scenario, scenario_schema
from sim.scenario.nodes import compose, plain, scalar, sources
from sim.scenario.schema import Scenario
from sim.scenario.writing import resolved_yaml

MINIMAL = Path(__file__).parents[1] / "scenarios" / "minimal.yaml"
CAPACITY = "vehicles.lander.battery.capacity_wh"


def _data(text: str) -> object:
    return plain(compose(text, "here.yaml"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e6", 1e6),
        ("1.5e+3", 1500.0),
        (".5", 0.5),
        ("-0", 0),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("on", "on"),
        ("yes", "yes"),
        ("12:30:00", "12:30:00"),
        ("2019-01-03", "2019-01-03"),
        ("true", True),
        ("~", None),
        ("-.inf", -math.inf),
        ("9" * 400, math.inf),
        ("9007199254740993", 9007199254740992.0),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_quotes_make_a_text() -> None:
    assert _data("a: '12'\nb: \"1e6\"\nc: 12") == {"a": "12", "b": "1e6", "c": 12}


@given(st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.floats(allow_nan=False)))
def test_every_float_comes_back(values: dict[str, float]) -> None:
    finite = {key: value for key, value in values.items() if math.isfinite(value)}
    if finite:
        assert _data("".join(f"{key}: {value!r}\n" for key, value in finite.items())) == finite


def test_the_source_is_the_text_after_the_hash() -> None:
    tree = compose(
        'a: 1  # first\nb: "x # y"  # second\nc: [1, 2,\n  3]  # third\n'
        "d:  # fourth\n  - 1\n  - 2\ne: {f: 1, g: x#y}  # fifth\nh: |  # sixth\n  # no source\n"
        "i: 'over\n  lines'  # seventh\nj: 1 # eighth\n# alone\nk: 1\n",
        "here.yaml",
    )
    assert sources(tree) == {
        "a": "first",
        "b": "second",
        "c": "third",
        "d": "fourth",
        "e.f": "fifth",
        "e.g": "fifth",
        "h": "sixth",
        "i": "seventh",
        "j": "eighth",
    }


def test_lines_are_those_of_the_file_whatever_ends_them() -> None:
    for end in ("\n", "\r\n"):
        tree = compose(end.join(["# one", "a:", "  b: 1", "", "c: 2"]), "here.yaml")
        assert tree.value["a"].value["b"].line == 3
        assert tree.value["c"].line == 5


@pytest.fixture(scope="module")
def minimal() -> Scenario:
    return load_scenario(MINIMAL)


def test_a_scenario_knows_its_file_sources_and_codes(minimal: Scenario) -> None:
    assert minimal.path == MINIMAL
    assert minimal.folder == MINIMAL.parent
    assert minimal.sources[CAPACITY].startswith("assumed: ")
    assert minimal.sources["stations.kashi.terminals.s_band.antenna.diameter_m"].startswith("Wiki")
    assert "conv_7_1_2_rs_255_223_i5" in minimal.codes


def test_every_number_of_the_shipped_scenarios_has_a_source() -> None:
    for path in sorted(MINIMAL.parent.glob("*.yaml")):
        tree = compose(path.read_text(), path.name)
        stated = sources(tree)
        bare = [name for name in _numbers(plain(tree), ()) if name not in stated]
        chosen = {"schema", "seed", "first_lunar_day", "span.lunar_days", "span.duration_h"}
        assert set(bare) <= chosen, path.name


def _numbers(data: object, path: tuple[str, ...]) -> list[str]:
    if isinstance(data, dict):
        return [n for key, value in data.items() for n in _numbers(value, (*path, key))]
    if isinstance(data, list) and any(isinstance(item, dict) for item in data):
        return [n for i, item in enumerate(data) for n in _numbers(item, (*path, str(i)))]
    if isinstance(data, list):
        return [".".join(path)] if any(isinstance(item, int | float) for item in data) else []
    is_number = isinstance(data, int | float) and not isinstance(data, bool)
    return [".".join(path)] if is_number else []


def test_the_resolved_text_is_the_same_scenario(minimal: Scenario, tmp_path: Path) -> None:
    copy = tmp_path / "resolved.yaml"
    copy.write_text(resolved_yaml(minimal))
    again = load_scenario(copy)
    assert again.model_dump() == minimal.model_dump()
    assert again.sources == minimal.sources
    assert resolved_yaml(again) == resolved_yaml(minimal)


def test_the_resolved_text_finds_its_files_from_another_folder(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "given" / "mask.csv").write_text("azimuth_deg,elevation_deg\n0,1\n180,2\n")
    copy = tmp_path / "given" / "mine.yaml"
    text = MINIMAL.read_text()
    horizon = "{kind: constant, elevation_deg: 5}"
    assert horizon in text
    copy.write_text(text.replace(horizon, "{kind: table, file: mask.csv}"))
    scenario = load_scenario(copy)
    resolved = tmp_path / "results" / "scenario.yaml"
    resolved.write_text(resolved_yaml(scenario, resolved.parent))
    again = load_scenario(resolved)
    assert set(again.file_digests.values()) == set(scenario.file_digests.values())
    assert len(again.file_digests) == 1


def test_an_override_is_validated_and_becomes_its_own_source() -> None:
    changed = load_scenario(MINIMAL, [f"{CAPACITY}=3000", "links.lander_return.margin_db=2 # told"])
    assert changed.vehicles["lander"].battery.capacity_wh == 3000.0
    assert changed.sources[CAPACITY] == "set for this run"
    assert changed.sources["links.lander_return.margin_db"] == "told"
    values = {CAPACITY: 3000, "links.lander_return.margin_db": 2}
    assert load_scenario(MINIMAL, values).model_dump() == changed.model_dump()


def test_overrides_reach_lists_parts_and_whole_mappings() -> None:
    changed = load_scenario(
        MINIMAL,
        {
            "vehicles.lander.transitions.0.when.array_power_w.above": 150,
            "links.lander_return.rates_bps": [1000, 2000],
            "stations.kashi.terminals.s_band.antenna.diameter_m": 66,
            "span": {"duration_h": 24},
        },
    )
    assert changed.vehicles["lander"].transitions[0].when.array_power_w.above == 150.0
    assert changed.links["lander_return"].rates_bps == (1000, 2000)
    assert changed.stations["kashi"].terminals["s_band"].antenna.diameter_m == 66.0
    assert changed.span.lunar_days is None
    other = load_scenario(MINIMAL, ["stations.kashi.part=jiamusi_66m"])
    assert other.stations["kashi"].place.latitude_deg > 45.0


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("vehicles.landr.place=crater", "did you mean 'lander'?"),
        ("vehicles.lander.batery.capacity_wh=1", "did you mean 'battery'?"),
        ("vehicles.lander.battery.capacity_kwh=1", "the key is 'capacity_wh', in watt-hours"),
        (f"{CAPACITY}=-1", "-1 is not allowed; it is a number above 0"),
        (f"{CAPACITY}.x=1", "there is no key 'x' below it"),
        ("vehicles.lander.transitions.9.to=dead", "the list has the items 0 to 1"),
        ("stations.kashi.part=kashi", "did you mean 'kashi_35m'?"),
        (CAPACITY, "write PATH=VALUE"),
        ("span={", "this is not YAML"),
    ],
)
def test_a_wrong_override_is_named(override: str, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(MINIMAL, [override])
    message = str(caught.value)
    assert message.startswith(f"--set {override}: ")
    assert words in message
    assert "\n" not in message


def test_a_part_of_another_kind_is_replaced_whole() -> None:
    changed = load_scenario(
        MINIMAL,
        {"stations.kashi.terminals.s_band.antenna": {"kind": "gain", "peak_gain_dbi": 50}},
    )
    assert changed.stations["kashi"].terminals["s_band"].antenna.kind == "gain"


def test_a_table_is_read_from_a_file_beside_the_scenario(tmp_path: Path) -> None:
    table = tmp_path / "horn.csv"
    table.write_text("# measured\nangles_deg,gains_dbi\n0,15\n10, 12.5\n\n30,-1e0\n")
    copy = tmp_path / "mine.yaml"
    antenna = "{kind: gain, peak_gain_dbi: 15}"
    text = MINIMAL.read_text()
    assert antenna in text
    copy.write_text(text.replace(antenna, "{kind: table, file: horn.csv}"))
    scenario = load_scenario(copy)
    found = scenario.vehicles["lander"].terminals["x_band"].antenna
    assert found.angles_deg == (0.0, 10.0, 30.0)
    assert found.gains_dbi == (15.0, 12.5, -1.0)
    assert len(scenario.file_digests["horn.csv"]) == 64
    table.write_text("angles_deg,gains_dbi\n0,15\n10,twelve\n")
    with pytest.raises(ScenarioError, match=r"horn\.csv:3: '10,twelve' is not a row of 2 numbers"):
        load_scenario(copy)


def test_the_first_error_of_the_file_is_told_and_the_others_counted(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    text = MINIMAL.read_text().replace("efficiency: 0.28", "efficiency: 28")
    path.write_text(text.replace("latitude_deg: -45", "latitude_deg: -145"))
    with pytest.raises(ScenarioError, match=r"latitude_deg: -145\.4446 .* \(and 1 more\)$"):
        load_scenario(path)


def test_the_json_schema_knows_keys_and_parts() -> None:
    schema = json.loads(scenario_schema())
    assert {"schema", "name", "vehicles", "links"} <= set(schema["properties"])
    assert "kashi_35m" in json.dumps(schema["properties"]["stations"])
    assert "queqiao_x_dish" in json.dumps(schema["$defs"]["TerminalParameters"])


def test_scenarios_are_frozen_and_survive_a_pickle(minimal: Scenario) -> None:
    with pytest.raises(ValueError, match="frozen"):
        minimal.seed = 2  # type: ignore[misc]
    again = pickle.loads(pickle.dumps(minimal))
    assert again == minimal
    assert again.sources == minimal.sources


def _paths(data: object, path: tuple[str, ...] = ()) -> list[str]:
    """Every key path of plain values."""
    entries: list[tuple[str, object]] = []
    if isinstance(data, dict):
        entries = list(data.items())
    elif isinstance(data, list):
        entries = [(str(index), item) for index, item in enumerate(data)]
    inner = [found for key, item in entries for found in _paths(item, (*path, key))]
    return [".".join(path), *inner] if path else inner


STRANGE = [None, True, -1, 1e30, 10**30, math.nan, "x", "12", "", [], [[]], {}, {"kind": "x"}]


@given(
    st.sampled_from(_paths(_data(MINIMAL.read_text()))),
    st.sampled_from([*STRANGE, {"part": "kashi_35m"}, {"file": "x.csv"}, [None], {"any": []}]),
)
def test_whatever_is_put_in_is_taken_or_refused_in_one_line(path: str, value: object) -> None:
    try:
        load_scenario(MINIMAL, {path: value})
    except SimError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 600


@given(st.text(max_size=60))
def test_any_text_is_composed_or_refused_in_one_line(text: str) -> None:
    try:
        _data(text)
    except ScenarioError as error:
        assert "\n" not in str(error)
