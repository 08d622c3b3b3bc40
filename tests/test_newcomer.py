"""A newcomer's path: the smallest scenario moved, given a dish and a rover; and the mistakes on it."""

from pathlib import Path

import pytest

from sim import cli

MINIMAL = (Path(__file__).parents[1] / "scenarios" / "minimal.yaml").read_text()
Capture = pytest.CaptureFixture[str]


def _block(text: str, key: str, indent: int = 2) -> str:
    """A key of the second level with all that stands under it."""
    lines = text.splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if line.startswith(" " * indent + key + ":"))
    rest = lines[first + 1 :]
    length = next(
        (n for n, line in enumerate(rest) if not line.startswith(" " * (indent + 1))), len(rest)
    )
    return "".join(lines[first : first + 1 + length])


def _moved() -> str:
    """At 60 S 120 W, with a relay dish of 2 m, and a rover that is a copy of the lander."""
    text = MINIMAL.replace("latitude_deg: -45.4446", "latitude_deg: -60")
    text = text.replace("longitude_deg: 177.5991", "longitude_deg: -120")
    text = text.replace("{kind: gain, peak_gain_dbi: 44}", "{kind: parabola, diameter_m: 2}")
    lander, link = _block(text, "lander"), _block(text, "lander_return")
    rover = lander.replace("lander:", "rover:", 1)
    rover_link = link.replace("lander_return", "rover_return").replace("lander.", "rover.")
    return text.replace(lander, lander + rover).replace(link, link + rover_link)


def _written(folder: Path, text: str) -> str:
    (folder / "mine.yaml").write_text(text)
    return str(folder / "mine.yaml")


def test_a_moved_mission_with_a_rover_runs(tmp_path: Path, capsys: Capture) -> None:
    path = _written(tmp_path, _moved())
    assert cli.main(["check", path]) == cli.DONE
    assert capsys.readouterr().out.endswith("2 vehicles, 1 relay, 1 station, 3 links\n")
    assert cli.main(["run", path, "--out", str(tmp_path / "run")]) == cli.DONE
    printed = capsys.readouterr().out
    assert printed.startswith("lander delivered ")
    assert "\nrover delivered " in printed


def test_a_vehicle_without_a_link_is_said(tmp_path: Path, capsys: Capture) -> None:
    text = _moved()
    path = _written(tmp_path, text.replace(_block(text, "rover_return"), ""))
    assert cli.main(["check", path]) == cli.DONE
    assert "vehicles.rover is the source of no link" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("latitude_deg: -60", "latitude_deg: 60 S", "south and west are negative"),
        ("kind: parabola, diameter_m: 2", "diameter_m: 2", "one of gain, helix, parabola"),
        ("kind: parabola, ", "kind: gain, ", "kind gain has no key 'diameter_m'; kind parabola"),
        ("diameter_m: 2", "diameter: 2", "the key is 'diameter_m', in metres"),
        ("capacity_gb: 32", "capacity_gb:32", "a space after the colon, 'capacity_gb: 32'"),
        ("from: rover.x_band", "from: rover.uhf", "which has rover.x_band"),
        ("from: rover.x_band", "from: rovr.x_band", "did you mean 'rover'?"),
        ("place: crater", "place: carter", "did you mean 'crater'?"),
        ("to: dormant", "to: asleep", "it is one of dormant, waking, working"),
        ("modes: [working]", "modes: [driving]", "it is one of dormant, waking, working"),
        ("  recorder: {capacity_gb: 32}", "  recorder: {capacity_gb: 32", "is not closed"),
        ("  rover:", "   rover:", "check the indentation"),
    ],
)
def test_mistakes_on_the_way_say_what_to_write(
    old: str, new: str, words: str, tmp_path: Path, capsys: Capture
) -> None:
    text = _moved()
    assert old in text
    assert cli.main(["check", _written(tmp_path, text.replace(old, new))]) == cli.REFUSED
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1
    assert f"{tmp_path / 'mine.yaml'}:" in told


def test_a_wake_that_contradicts_the_sleep_names_both(tmp_path: Path, capsys: Capture) -> None:
    text = _moved().replace("above: 200, hold_s: 600}, sun: rising", "above: 30, hold_s: 600}")
    assert cli.main(["run", _written(tmp_path, text), "--out", str(tmp_path / "run")]) == 1
    told = capsys.readouterr().err
    assert "from working to dormant by sun, sun_elevation_deg" in told
    assert "sun: rising for a wake" in told
