"""Contact plans in the format of ION: what is read, what is refused, and that they go round."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from plan_cases import FRAME_BITS, MINIMAL, data_of, once, plan_file, planned

from sim.cli import main
from sim.clock import Clock
from sim.environment import Environment, compute_environment
from sim.environment.plans import parse_plan, planned_hops
from sim.errors import ResultsError, ScenarioError
from sim.operations import operate
from sim.report.exports import ion_plan
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario

CLOCK = Clock.starting("2030-01-05T00:00:00Z")
DATA_BITS = FRAME_BITS - 80
"""User data of a frame: header and error control of the transfer frame take ten bytes."""


def test_times_are_relative_absolute_or_to_a_reference() -> None:
    text = """
# a comment, an empty line and what only manages a node
1 1 ''
s
m horizon +0
a contact +10 +20 1 2 1000
a contact 2030/01/05-00:01:00 2030/01/05-00:02:00 1 2 1000 0.5
@ 2030/01/06-00:00:00
a contact +1 +2 2 1 7
a contact -1 0 3 3 0
a range +0 +9 1 2 1
"""
    plan = parse_plan(text, "plan.ion", CLOCK)
    spans = [(c.start_s, c.stop_s, c.source, c.destination, c.rate_bps) for c in plan.contacts]
    assert spans == [(10, 20, 1, 2, 8000), (60, 120, 1, 2, 8000), (86401, 86402, 2, 1, 56)]
    assert [(r.start_s, r.stop_s, r.distance_s) for r in plan.ranges] == [(86400, 86409, 1.0)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a contact +0 +10 1 2", "takes START STOP FROM TO RATE [CONFIDENCE], not 4 values"),
        ("a contact +0 +10 1 2 5 1.0 7", "not 7 values"),
        ("a contact 0 +10 1 2 5", "'0' is not a time; write +SECONDS or yyyy/mm/dd-hh:mm:ss"),
        ("a contact 2030-01-05T00:00:00Z +10 1 2 5", "is not a time"),
        ("a contact 2030/02/30-00:00:00 +10 1 2 5", "is not a date"),
        ("a contact +10 +10 1 2 5", "not after its start at +10"),
        ("a contact +0 0 1 2 5", "a hypothetical contact (stop time 0) has no times"),
        ("a contact +0 +10 1 1 5", "node 1 has a contact with itself"),
        ("a contact +0 +10 0 1 5", "node numbers begin with 1"),
        ("a contact +0 +10 one 2 5", "'one' is not a node number; write a whole number"),
        ("a contact +0 +10 1 2 1.5", "'1.5' is not a rate in bytes per second"),
        ("a contact +0 +10 1 2 0", "it must be above 0"),
        ("a contact +0 +10 1 2 5 1.5", "the confidence 1.5 is not above 0 and at most 1"),
        ("a range +0 +10 1 2", "takes START STOP ONE OTHER DISTANCE, not 4 values"),
        ("a range +0 +10 1 2 nan", "'nan' is not a distance in light seconds"),
        ("d contact +0 1 2", "'d contact' is not a line of a contact plan"),
        ("contact +0 +10 1 2 5", "'contact +0' is not a line of a contact plan"),
        ("@ +0 +1", "'@' takes one time, not 2 values"),
    ],
)
def test_a_malformed_line_is_told_with_file_and_line(line: str, words: str) -> None:
    with pytest.raises(ScenarioError) as refusal:
        parse_plan(f"# first\n\n{line}\n", "plan.ion", CLOCK)
    told = str(refusal.value)
    assert told.startswith("plan.ion:3: ")
    assert words in told
    assert "\n" not in told


def test_contacts_of_one_pair_may_touch_but_not_overlap() -> None:
    touching = "a contact +0 +10 1 2 5\na contact +10 +20 1 2 6\na contact +5 +15 2 1 5\n"
    assert len(parse_plan(touching, "p", CLOCK).contacts) == 3
    with pytest.raises(ScenarioError, match=r"p:2: .* overlaps that of line 1"):
        parse_plan("a contact +0 +10 1 2 5\na contact +9 +20 1 2 5\n", "p", CLOCK)


@pytest.mark.parametrize(
    ("contacts", "overrides", "words"),
    [
        (["a contact +0 +10 1 7 5"], [], ":1: node 7 is no asset; there are 1 lander, 2 queqiao"),
        (["a contact +0 +900000 1 2 5"], ["span={duration_h: 250}"], "no range of nodes 1 and 2"),
        (
            [],
            ["links.second={from: lander, to: [queqiao.x_dish], frequency_hz: 8.4e9, "
             "coding: uncoded, rates_bps: [1000], margin_db: 3}"],
            "both go from lander to queqiao",
        ),
    ],
)  # fmt: skip
def test_a_plan_that_does_not_fit_is_refused(
    contacts: list[str], overrides: list[str], words: str
) -> None:
    with pytest.raises(ScenarioError) as refusal:
        environment = planned(contacts, *overrides)
        planned_hops(environment.scenario, 250 * 3600)
    assert words in str(refusal.value)


def test_lines_that_touch_are_one_contact_with_rate_steps() -> None:
    environment = planned(["a contact +5 +9 1 2 10", "a contact +9 +20 1 2 20"])
    (contact,) = environment.hops[0].contacts
    assert (contact.start_s, contact.stop_s) == (5, 20)
    assert contact.steps == {"": ((5, 80), (9, 160))}
    assert contact.capacity_bit("") == 4 * 80 + 11 * 160


def test_two_contacts_over_two_hops_by_hand() -> None:
    # The lander makes 80 kb/s for 100 s: 8,000,000 bits.
    # Contact 1, 1000 to 2000 s at 1000 bytes/s: 8,000,000 channel bits are 896 whole frames of
    # 8920 bits (896.86); each carries 8840 bits of data: 7,920,640 bits go to the relay and
    # 79,360 stay on board.
    # Contact 2, from 3000 s at 125,000 bytes/s = 1 Mb/s: 896 frames take 896 * 8920 / 1e6 =
    # 7.99232 s, and a light second later, at 3008.99232 s, the last bit is on Earth.
    environment = planned(
        ["a contact +1000 +2000 1 2 1000", "a contact +3000 +3100 2 3 125000"], once(80_000)
    )
    log = operate(environment)
    data = log.snapshots["lander"][-1].data
    assert data.produced == 8_000_000
    assert data.delivered == 896 * DATA_BITS == 7_920_640
    assert data.on_board == 79_360
    assert (data.in_relays, data.in_flight, data.dropped, data.lost) == (0, 0, 0, 0)
    assert log.deliveries[-1].arrived_stop_s == pytest.approx(3008.99232, abs=1e-6)


def test_a_range_of_two_light_seconds_is_a_second_later() -> None:
    contacts = ["a contact +1000 +2000 1 2 1000", "a contact +3000 +3100 2 3 125000"]
    near = planned(contacts, once(80_000))
    file = plan_file([*contacts, "a range +0 +9999 1 2 1", "a range +0 +9999 2 3 2"])
    scenario = load_scenario(
        MINIMAL, ["span={duration_h: 1}", f"contact_plan={{file: {file}}}", once(80_000)]
    )
    far = replace(near, scenario=scenario, hops=planned_hops(scenario, near.duration_s))
    arrivals = [operate(e).deliveries[-1].arrived_stop_s for e in (near, far)]
    assert arrivals[1] - arrivals[0] == pytest.approx(1.0, abs=1e-9)


def _without_geometry(folder: Path, plan: str) -> Path:
    """The minimal scenario with neither orbit nor station's place, and a contact plan beside it."""
    text = MINIMAL.read_text()
    start, stop = text.index("    orbit:\n"), text.index("    recorder: {capacity_gb: 64}")
    text = text[:start] + text[stop:]
    text = text.replace(
        "kashi: {part: kashi_35m}",
        "kashi: {terminals: {s_band: {antenna: {kind: gain, peak_gain_dbi: 56}, "
        "receiver: {noise_temperature_k: 70}}}}",
    )
    text = text.replace("span: {lunar_days: 2}", "span: {duration_h: 2}")
    text += "\ncontact_plan:\n  file: plan.ion\n  nodes: {lander: 10, queqiao: 20, kashi: 30}\n"
    (folder / "plan.ion").write_text(plan)
    (folder / "s.yaml").write_text(text)
    return folder / "s.yaml"


def test_a_run_needs_no_geometry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = (
        "a contact +0 +3600 10 20 1000\na contact +60 +3600 20 30 125000\n"
        "a range +0 +7200 10 20 1\na range +0 +7200 20 30 1\n"
    )
    file = _without_geometry(tmp_path, plan)
    environment = compute_environment(load_scenario(file))
    assert [hop.name for hop in environment.hops] == [
        "lander_return:queqiao.x_dish",
        "relay_return:kashi.s_band",
    ]
    assert 0 < data_of(environment).delivered < 3600 * 8000
    assert main(["run", str(file), "--out", str(tmp_path / "out")]) == 0
    assert main(["explain", str(tmp_path / "out")]) == 0
    assert main(["windows", str(file)]) == 0
    capsys.readouterr()
    assert main(["link", str(file), "lander", "queqiao"]) == 1
    assert "'queqiao' has no orbit or place, only a contact plan" in capsys.readouterr().err


def test_an_orbit_is_missing_only_where_a_plan_takes_its_place(tmp_path: Path) -> None:
    file = _without_geometry(tmp_path, "")
    text = file.read_text()
    file.write_text(text[: text.index("\ncontact_plan:")])
    with pytest.raises(ScenarioError, match="needs a place where there is no contact_plan"):
        load_scenario(file)


@pytest.fixture(scope="module")
def minimal() -> Environment:
    return compute_environment(load_scenario(MINIMAL))


def test_a_plan_that_goes_out_comes_in_with_the_same_contacts(
    minimal: Environment, tmp_path: Path
) -> None:
    (tmp_path / "plan.ion").write_text(ion_plan(minimal))
    scenario = load_scenario(MINIMAL, [f"contact_plan={{file: {tmp_path / 'plan.ion'}}}"])
    hops = planned_hops(scenario, minimal.duration_s)
    for before, after in zip(minimal.hops, hops, strict=True):
        steps = [(c.start_s, c.stop_s, next(iter(c.steps.values()))) for c in before.contacts]
        assert [(c.start_s, c.stop_s, c.steps[""]) for c in after.contacts] == steps
        times = [contact.start_s for contact in before.contacts]
        assert abs(after.light_time_s(times) - before.light_time_s(times)).max() <= 0.5


def test_a_plan_says_the_start_and_the_nodes(minimal: Environment) -> None:
    lines = ion_plan(minimal).splitlines()
    assert "# node 2: queqiao" in lines
    assert "@ 2030/01/05-00:00:00" in lines
    assert any(line.startswith("a contact +0 +") and line.endswith(" 1 2 69375") for line in lines)
    assert any(line.startswith("a range +") and " 2 3 " in line for line in lines)


def test_two_links_of_one_pair_cannot_be_written(minimal: Environment) -> None:
    doubled = replace(minimal, hops=(*minimal.hops, minimal.hops[0]))
    with pytest.raises(ResultsError, match="two links are open at once from lander to queqiao"):
        ion_plan(doubled)


def test_export_writes_the_plan_of_a_stored_run(tmp_path: Path) -> None:
    folder, file = tmp_path / "run", tmp_path / "out.ion"
    short = ["--set", "span={duration_h: 30}"]
    assert main(["run", str(MINIMAL), *short, "--out", str(folder)]) == 0
    assert main(["export", str(folder), "--ion", str(file)]) == 0
    assert parse_plan(file.read_text(), str(file), CLOCK).contacts


def _with_plan(tmp_path: Path, scenario: str, pairs: Sequence[tuple[str, int, int]]) -> Scenario:
    """A scenario of the tests with a plan of its own: 1000 bytes a second, a light second away."""
    plan = tmp_path / "plan.ion"
    lines = [f"a contact +{start} +{stop} {pair} 1000" for pair, start, stop in pairs]
    lines += [f"a range +0 +864000 {pair} 1" for pair in dict.fromkeys(p for p, _, _ in pairs)]
    plan.write_text("\n".join(lines) + "\n")
    file = Path(__file__).parent / "scenarios" / f"{scenario}.yaml"
    return load_scenario(file, [f"contact_plan={{file: {plan}}}", "span={duration_h: 10}"])


def test_a_dish_turns_at_once_where_a_plan_has_no_directions(tmp_path: Path) -> None:
    pairs = [("1 3", 0, 1000), ("3 4", 0, 1000), ("2 3", 1000, 3000), ("3 5", 1000, 9000)]
    scenario = _with_plan(tmp_path, "shared_relay", pairs)
    log = operate(compute_environment(scenario))
    for vehicle in ("first", "second"):
        assert log.snapshots[vehicle][-1].data.delivered > 0


def test_a_plan_cannot_say_what_is_repeated(tmp_path: Path) -> None:
    scenario = _with_plan(tmp_path, "bent_pipe", [("1 3", 0, 1000)])
    with pytest.raises(
        ScenarioError, match=r"relays\..* has no recorder and repeats what it hears"
    ):
        compute_environment(scenario)


def test_each_rate_has_the_frame_of_its_code(tmp_path: Path) -> None:
    plan = tmp_path / "plan.ion"
    plan.write_text(
        "a contact +0 +100 1 2 2000\na contact +100 +200 1 2 9500\n"
        "a range +0 +864000 1 2 1\na range +0 +864000 2 3 1\n"
    )
    link = (
        "links.lander_return={from: lander.x_band, to: [queqiao.x_dish], frequency_hz: 8.47e9, "
        "coding: [turbo_1784_1_6, conv_7_7_8_rs_255_223_i5], symbol_rates_sps: [100000]}"
    )
    scenario = load_scenario(MINIMAL, [f"contact_plan={{file: {plan}}}", link])
    hop = planned_hops(scenario, 3600)[0]
    assert {rate: frame.bits for rate, frame in hop.frames.items()} == {16_000: 1784, 76_000: 8920}
