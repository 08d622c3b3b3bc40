"""Relays: two-body, integrated, halo and near-rectilinear; facts, frames, caches and refusals."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.special import lpmv
from sky_case import CLOCK, DAY_S, ELLIPSE, HALO, orbit, orbit_parameters, sky

from sim import cache
from sim.clock import Clock
from sim.constants import MOON_GM_KM3_S2, MOON_RADIUS_KM
from sim.errors import OrbitError
from sim.sky.ephemeris import Ephemeris
from sim.sky.kernels import load_kernels, skyfield_time
from sim.sky.orbits import Orbit
from sim.sky.orbits.elements import (
    ElementsParameters,
    eccentric_anomaly,
    frozen_eccentricity,
    frozen_elements,
    kepler_states,
    orbit_axes,
)
from sim.sky.orbits.gravity import GravityField, load_field
from sim.sky.orbits.propagation import TOLERANCE, Forces, integrate
from sim.sky.orbits.pulsating import PulsatingAxes
from sim.sky.orbits.restricted import MEAN_DISTANCE_KM, halo_orbit, near_rectilinear_orbit
from sim.sky.windows import relay_eclipses

STOP_S = 30.0 * DAY_S


@pytest.fixture(scope="module")
def ephemeris() -> Ephemeris:
    return sky(30.0)


# --- two bodies ----------------------------------------------------------------------------------


def test_keplers_equation_is_solved_at_any_eccentricity() -> None:
    mean = np.linspace(-20.0, 20.0, 4001)
    for e in (0.0, 0.3, 0.8, 0.97):
        anomaly = eccentric_anomaly(mean, e)
        assert np.abs(anomaly - e * np.sin(anomaly) - mean).max() < 1e-13


def test_a_two_body_orbit_keeps_its_energy_and_heights(ephemeris: Ephemeris) -> None:
    keys = {"kind": "keplerian", "elements": ELLIPSE["elements"]}
    relay = orbit(keys, ephemeris, 0.0, STOP_S)
    times = np.linspace(0.0, STOP_S, 5001)
    position, velocity = relay.track(times), relay.velocity_km_s(times)
    energy = 0.5 * (velocity**2).sum(axis=0) - MOON_GM_KM3_S2 / np.linalg.norm(position, axis=0)
    assert np.ptp(energy) < 1e-8 * abs(energy[0])
    height = np.linalg.norm(position, axis=0) - MOON_RADIUS_KM
    assert height.min() == pytest.approx(200.0, abs=0.5)
    assert height.max() == pytest.approx(16_000.0, abs=0.5)
    assert relay.facts["period_d"] == pytest.approx(24.32 / 24.0, abs=0.002)


def test_elements_are_counted_from_their_frame(ephemeris: Ephemeris) -> None:
    elements = ElementsParameters(
        semi_major_axis_km=5000.0, eccentricity=0.1, inclination_deg=90.0, mean_anomaly_deg=90.0
    )
    position, _ = kepler_states(elements, "moon", 0.0)
    assert abs(position[1]) < 1e-9
    assert position[2] > 4500.0
    pole = ephemeris.rotation(0.0)[2]
    assert orbit_axes("mean_earth", ephemeris, 0.0)[:, 2] == pytest.approx(pole)
    axes = orbit_axes("moon_orbit", ephemeris, 0.0)
    assert axes.T @ axes == pytest.approx(np.eye(3), abs=1e-14)
    assert np.degrees(np.arccos(axes[:, 2] @ pole)) == pytest.approx(6.7, abs=0.3)  # Cassini's laws


def test_an_orbit_about_the_earth_is_told_from_the_moon(ephemeris: Ephemeris) -> None:
    keys = {
        "kind": "keplerian",
        "center": "earth",
        "elements": {"semi_major_axis_km": 42_164, "eccentricity": 0.0, "inclination_deg": 3},
    }
    relay = orbit(keys, ephemeris, 0.0, STOP_S)
    times = np.linspace(0.0, STOP_S, 300)
    from_earth = relay.track(times) - ephemeris.earth_km(times)
    assert np.abs(np.linalg.norm(from_earth, axis=0) - 42_164.0).max() < 1e-3
    assert relay.vector_function.center == 399


def test_a_frozen_ellipse_by_the_published_inclinations() -> None:
    assert frozen_eccentricity(62.4) == pytest.approx(0.801, abs=5e-4)
    assert frozen_eccentricity(55.0) == pytest.approx(0.672, abs=5e-4)
    elements = frozen_elements(24.0, 60.0)
    assert elements.argument_of_perilune_deg == 90.0
    with pytest.raises(OrbitError, match="does not freeze"):
        frozen_eccentricity(30.0)
    with pytest.raises(OrbitError, match="inside the moon"):
        frozen_elements(10.0, 70.0)


# --- forces --------------------------------------------------------------------------------------


def test_the_fields_pull_is_the_gradient_of_its_potential() -> None:
    from sim.sky.orbits import dynamics

    field = load_field(8)
    place = np.array([1500.0, 900.0, -1200.0])
    work, pull = np.zeros((2, 10, 10)), np.zeros(3)
    dynamics.field_pull(
        *place,
        field.gm_km3_s2,
        field.radius_km,
        field.cosines,
        field.sines,
        field.factors,
        *work,
        pull,
    )
    steps = 0.1 * np.eye(3)
    gradient = [(_potential(field, place + h) - _potential(field, place - h)) / 0.2 for h in steps]
    assert pull == pytest.approx(gradient, rel=1e-7)


@pytest.mark.parametrize(
    ("lowest_km", "highest_km", "tolerance"),
    [(200.0, 16_000.0, TOLERANCE), (100.0, 5000.0, (1e-15, 1e-13, 1e-16))],
)
def test_without_perturbations_energy_stays(
    ephemeris: Ephemeris,
    lowest_km: float,
    highest_km: float,
    tolerance: tuple[float, float, float],
) -> None:
    # The error grows with the turns: the low orbit makes 124 where the other makes 30.
    elements = ElementsParameters(
        lowest_height_km=lowest_km, highest_height_km=highest_km, inclination_deg=62.4
    )
    start = np.concatenate(kepler_states(elements, "moon", 0.0))
    far = Forces(ephemeris, GravityField.point_mass(), has_planets=False)
    arguments = list(far.arguments)
    arguments[3] = np.zeros(2)
    far.__dict__["arguments"] = tuple(arguments)
    _, end = integrate(start, 0.0, STOP_S, far, tolerance)
    expected = np.concatenate(kepler_states(elements, "moon", STOP_S))
    assert abs(_energy(end) / _energy(start) - 1.0) < 1e-12
    assert np.linalg.norm(end[:3] - expected[:3]) < 1e-3


def _there_and_back_km(ephemeris: Ephemeris, push_m2_kg: float, has_shadows: bool) -> float:
    """How far from its start the ellipse ends after ten days on and ten days back."""
    forces = Forces(ephemeris, load_field(8), push_m2_kg)
    arguments = list(forces.arguments)
    arguments[8] = arguments[8] * np.array([1.0, 1.0, *[float(has_shadows)] * 2])
    forces.__dict__["arguments"] = tuple(arguments)
    elements = ElementsParameters.model_validate(ELLIPSE["elements"])
    axes = orbit_axes("mean_earth", ephemeris, 0.0)
    start = np.concatenate([axes @ part for part in kepler_states(elements, "moon", 0.0)])
    _, there = integrate(start, 0.0, 10.0 * DAY_S, forces)
    track, back = integrate(there, 10.0 * DAY_S, 0.0, forces)
    assert (track.start_s, track.stop_s) == (0.0, 10.0 * DAY_S)
    return float(np.linalg.norm(back[:3] - start[:3]))


@pytest.mark.parametrize("push_m2_kg", [0.0, 0.02])
def test_the_way_back_ends_where_it_began(ephemeris: Ephemeris, push_m2_kg: float) -> None:
    assert _there_and_back_km(ephemeris, push_m2_kg, False) < 1e-5


def test_the_edges_of_shadows_cost_a_part_in_ten_thousand_of_sunlight(
    ephemeris: Ephemeris,
) -> None:
    # Light changes within one step there, whose error is then underestimated; the light itself
    # moves the relay by 33 km in these ten days, its coefficient being known to a percent at best.
    assert _there_and_back_km(ephemeris, 0.02, True) < 1e-4 * 33.0


def test_tighter_tolerances_hardly_move_a_relay(ephemeris: Ephemeris) -> None:
    forces = Forces(ephemeris, load_field(8))
    elements = ElementsParameters.model_validate(ELLIPSE["elements"])
    axes = orbit_axes("mean_earth", ephemeris, 0.0)
    start = np.concatenate([axes @ part for part in kepler_states(elements, "moon", 0.0)])
    usual, _ = integrate(start, 0.0, STOP_S, forces)
    tight, _ = integrate(start, 0.0, STOP_S, forces, (1e-15, 1e-13, 1e-16))
    times = np.linspace(0.0, STOP_S, 5001)
    assert np.linalg.norm(usual(times) - tight(times), axis=0).max() < 1e-3  # 10 m in a year


def test_sunlight_pushes_away_from_the_sun(ephemeris: Ephemeris) -> None:
    start = np.array([30_000.0, 0.0, 0.0, 0.0, 0.4, 0.0])
    ends = [
        integrate(start, 0.0, 3600.0, Forces(ephemeris, load_field(0), push))[1]
        for push in (0.0, 0.1)
    ]
    moved = ends[1][:3] - ends[0][:3]
    sun = ephemeris.sun_km(0.0)
    expected_km = 0.5 * 4.54e-6 * 0.1 * 3600.0**2 * 1e-3  # 4.54 uPa at one astronomical unit
    assert np.linalg.norm(moved) == pytest.approx(expected_km, rel=0.04)
    assert moved @ sun / np.linalg.norm(moved) / np.linalg.norm(sun) < -0.999


def test_a_maneuver_changes_the_velocity_and_nothing_else(ephemeris: Ephemeris) -> None:
    burn = {"at_utc": "2026-02-03T00:00Z", "delta_v_m_s": [0, 10, 0]}
    keys = {**ELLIPSE, "elements": {**ELLIPSE["elements"], "lowest_height_km": 2000}}
    plain = orbit(keys, ephemeris, 0.0, STOP_S)
    burnt = orbit({**keys, "maneuvers": {"raise": burn}}, ephemeris, 0.0, STOP_S)
    at_s = CLOCK.seconds("2026-02-03T00:00Z")
    before = np.linspace(0.0, at_s, 50)
    assert np.abs(plain.track(before) - burnt.track(before)).max() < 1e-6
    change = burnt.track(at_s + 10.0) - plain.track(at_s + 10.0)
    assert np.linalg.norm(change) == pytest.approx(0.1, rel=0.01)
    assert change @ plain.velocity_km_s(np.array(at_s)) > 0.0


def test_an_epoch_outside_the_span_is_reached(ephemeris: Ephemeris) -> None:
    elements = {**ELLIPSE["elements"], "lowest_height_km": 2000}
    keys = {**ELLIPSE, "elements": elements, "epoch_utc": "2026-02-06T00:00Z"}
    whole = orbit(keys, ephemeris, 0.0, STOP_S)
    later = orbit(keys, ephemeris, 10.0 * DAY_S, STOP_S)
    assert later.track.start_s == 10.0 * DAY_S
    times = np.linspace(10.0 * DAY_S, STOP_S, 100)
    assert np.abs(whole.track(times) - later.track(times)).max() < 1e-4
    height = np.linalg.norm(whole.track(5.0 * DAY_S)) - MOON_RADIUS_KM
    assert height == pytest.approx(2000.0, abs=1e-3)


def test_a_shadr_file_is_the_field_it_holds(tmp_path: Path, ephemeris: Ephemeris) -> None:
    field = load_field(8)
    lines = [f"{field.radius_km}, {field.gm_km3_s2}, 0, 8, 8, 1, 0, 0"]
    for n in range(2, 9):
        for m in range(n + 1):
            lines.append(f"{n}, {m}, {field.cosines[n, m]!r}, {field.sines[n, m]!r}, 0, 0")
    (tmp_path / "field.sha").write_text(
        "\n".join(lines).replace("np.float64(", "").replace(")", "")
    )
    keys = {**ELLIPSE, "gravity": {"degree": 8, "file": "field.sha"}}
    own = orbit(ELLIPSE, ephemeris, 0.0, 5 * DAY_S)
    read = orbit(keys, ephemeris, 0.0, 5 * DAY_S, folder=tmp_path)
    assert np.abs(own.track(4.0 * DAY_S) - read.track(4.0 * DAY_S)).max() < 1e-9
    for text, words in (
        ("1738, 4902.8\n2,0", "SHADR"),
        ("6378, 398600, 0, 2, 2, 1\n2 0 0 0", "GM"),
    ):
        (tmp_path / "bad.sha").write_text(text)
        with pytest.raises(OrbitError, match=words):
            load_field(2, tmp_path / "bad.sha")
    with pytest.raises(OrbitError, match="degree 20"):
        load_field(20)


def test_a_shadr_file_beyond_degree_50(tmp_path: Path) -> None:
    from sim.sky.orbits import dynamics

    # Coefficients by Kaula's rule for the Moon, 2.5e-4 / n^2, at random; metres in the header.
    random = np.random.default_rng(11)
    lines = ["0.1738000000000E+07,0.490279996708864E+13,0.0,100,100,1,0.0,0.0"]
    for n in range(2, 101):
        for m in range(n + 1):
            c, s = random.normal(scale=2.5e-4 / n**2, size=2)
            lines.append(f"{n:5d},{m:5d},{c:.15E},{s if m else 0.0:.15E},0.0E+00,0.0E+00")
    (tmp_path / "deep.sha").write_text("\n".join(lines) + "\n")
    with pytest.raises(OrbitError, match=r"degree 101 is asked of the field .* which goes to 100"):
        load_field(101, tmp_path / "deep.sha")
    place = np.array([1200.0, -700.0, 1120.0])  # 50 km over the sphere
    for degree in (60, 85):  # beyond, the functions of scipy that it is compared with overflow
        field = load_field(degree, tmp_path / "deep.sha")
        assert field.radius_km == pytest.approx(1738.0)
        assert field.degree == degree
        work, pull = np.zeros((2, degree + 2, degree + 2)), np.zeros(3)
        dynamics.field_pull(
            *place,
            field.gm_km3_s2,
            field.radius_km,
            field.cosines,
            field.sines,
            field.factors,
            *work,
            pull,
        )
        ways = 0.02 * np.eye(3)
        slopes = [
            (_potential(field, place + h) - _potential(field, place - h)) / 0.04 for h in ways
        ]
        assert pull == pytest.approx(slopes, rel=1e-7, abs=1e-10)


# --- halos ---------------------------------------------------------------------------------------


def test_a_periodic_halo_closes_at_its_amplitude() -> None:
    for point, period_d in (("l2", 14.81), ("l1", 11.96)):
        halo = halo_orbit(13_000.0, point, "southern")  # type: ignore[arg-type]
        states = halo.at(np.array([0.0, halo.period - 1e-12]))
        assert states[:, 0] == pytest.approx(states[:, 1], abs=1e-8)
        path = halo.at(np.linspace(0.0, halo.period, 2001))
        assert np.abs(path[2]).max() * MEAN_DISTANCE_KM == pytest.approx(13_000.0, abs=0.1)
        assert path[2].min() == pytest.approx(-np.abs(path[2]).max())
        assert halo.period * 27.321661 / (2.0 * np.pi) == pytest.approx(period_d, abs=0.01)
        assert halo.growth > 100.0


def test_the_nine_to_two_orbit_is_the_published_one() -> None:
    period = 2.0 * np.pi * 29.530589 * 2.0 / 9.0 / 27.321661
    path = near_rectilinear_orbit(period, "l2", "southern").at(np.linspace(0.0, period, 4001))
    distance = np.linalg.norm(path[:3], axis=0) * MEAN_DISTANCE_KM
    assert 3150.0 < distance.min() < 3300.0  # perilune radius of Gateway's orbit, about 3,200 km
    assert 70_000.0 < distance.max() < 72_000.0


def test_a_halo_of_queqiaos_amplitude(ephemeris: Ephemeris) -> None:
    relay = orbit(HALO, ephemeris, 0.0, STOP_S)
    distance = np.linalg.norm(relay.track(np.arange(0.0, STOP_S, 600.0)), axis=0)
    assert 46_000.0 < distance.min() < 56_000.0
    assert 70_000.0 < distance.max() < 80_000.0
    assert relay.facts["period_d"] == pytest.approx(14.8, abs=0.3)
    assert relay.facts["largest_z_km"] == pytest.approx(13_000.0, rel=0.02)
    assert relay.facts["largest_jump_km"] < 1e-6


@pytest.mark.parametrize("span_s", [(0.0, STOP_S), (-5.0 * DAY_S, 12.0 * DAY_S)])
def test_a_halo_that_begins_where_an_arc_does_has_a_velocity_there(
    ephemeris: Ephemeris, span_s: tuple[float, float]
) -> None:
    track = orbit(HALO, ephemeris, *span_s, cache=False).track
    assert (track.start_s, track.stop_s) == span_s
    assert np.diff(track.edges_s).min() > 1.0
    for at_s in span_s:
        sign = 1.0 if at_s == span_s[0] else -1.0
        slope = (track(at_s + sign) - track(at_s)) / sign  # a second bends it by 1e-6 km/s
        assert track.derivative(at_s) == pytest.approx(slope, abs=1e-5)
        assert track(at_s - 5e-7 * sign) == pytest.approx(track(at_s), abs=1e-5)


@pytest.mark.parametrize("phase_deg", [0.0, 90.0, 180.0])
def test_the_phase_is_that_of_the_epoch(ephemeris: Ephemeris, phase_deg: float) -> None:
    relay = orbit({**HALO, "phase_deg": phase_deg}, ephemeris, 0.0, STOP_S)
    found = PulsatingAxes(ephemeris).from_km(np.array([0.0]), relay.track(np.array([0.0])))[:, 0]
    halo = halo_orbit(13_000.0, "l2", "southern")
    expected = halo.at(np.array([halo.period * phase_deg / 360.0]))[:3, 0]
    assert np.linalg.norm(found - expected) * MEAN_DISTANCE_KM < 4_000.0


def test_rounding_does_not_move_a_halo(ephemeris: Ephemeris) -> None:
    """At phase 0 the reach of the arcs begins at a patch point; a hair more or less adds none."""
    times = np.linspace(0.0, STOP_S, 200)
    paths = [
        orbit({**HALO, "phase_deg": phase_deg}, ephemeris, 0.0, STOP_S, cache=False).track(times)
        for phase_deg in (0.0, 1e-10, -1e-10)
    ]
    assert np.abs(paths[1] - paths[0]).max() < 1e-3
    assert np.abs(paths[2] - paths[0]).max() < 1e-3


def test_a_northern_halo_is_above_the_plane(ephemeris: Ephemeris) -> None:
    relay = orbit({**HALO, "family": "northern"}, ephemeris, 0.0, STOP_S)
    times = np.linspace(0.0, STOP_S, 500)
    heights = PulsatingAxes(ephemeris).from_km(times, relay.track(times))[2]
    assert heights.max() > -heights.min()


def test_a_near_rectilinear_orbit_under_the_true_forces(ephemeris: Ephemeris) -> None:
    relay = orbit({"kind": "nrho"}, ephemeris, 0.0, STOP_S)
    assert 3100.0 < relay.facts["lowest_height_km"] + MOON_RADIUS_KM < 3700.0
    assert 69_000.0 < relay.facts["highest_height_km"] + MOON_RADIUS_KM < 73_000.0
    assert relay.facts["largest_jump_km"] < 1e-6
    # The arcs are one trajectory: integrated on from a joint's state, it stays for a turn.
    forces = Forces(ephemeris, load_field(8), has_planets=False)
    at_s = 10.0 * DAY_S
    state = np.concatenate([relay.track(at_s), relay.velocity_km_s(np.array(at_s))])
    onward, _ = integrate(state, at_s, at_s + 2.0 * DAY_S, forces)
    times = np.linspace(at_s, at_s + 2.0 * DAY_S, 100)
    assert np.linalg.norm(onward(times) - relay.track(times), axis=0).max() < 0.05


# --- for users -----------------------------------------------------------------------------------


def test_relays_mix_with_skyfields_bodies(ephemeris: Ephemeris) -> None:
    relay = orbit(HALO, ephemeris, 0.0, STOP_S)
    kernels = load_kernels()
    moon = kernels.planets["moon"]
    t = skyfield_time(kernels, CLOCK, np.array([0.0, 1e6]))
    at = (moon + relay.vector_function).at(t)
    expected = moon.at(t).position.km + relay.track(np.array([0.0, 1e6]))
    assert at.position.km == pytest.approx(expected, abs=1e-3)
    assert at.velocity.km_per_s == pytest.approx(
        moon.at(t).velocity.km_per_s + relay.velocity_km_s(np.array([0.0, 1e6])), abs=1e-9
    )


def test_an_orbit_is_kept_and_a_damaged_cache_is_said(
    ephemeris: Ephemeris, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FARSIDE_CACHE_DIR", str(tmp_path))
    cold = orbit(HALO, ephemeris, 0.0, STOP_S)
    kept = tmp_path / "orbits" / f"{cold.digest}.npz"
    assert kept.is_file()
    warm = orbit(HALO, ephemeris, 0.0, STOP_S)
    assert warm.track.coefficients.tobytes() == cold.track.coefficients.tobytes()
    assert warm.facts == cold.facts
    kept.write_bytes(b"not an archive")
    cache.messages.clear()
    again = orbit(HALO, ephemeris, 0.0, STOP_S)
    assert again.track.coefficients.tobytes() == cold.track.coefficients.tobytes()
    assert any("not readable" in message for message in cache.messages)
    cache.messages.clear()
    np.savez(kept, edges_s=np.zeros(3))
    assert orbit(HALO, ephemeris, 0.0, STOP_S).facts == cold.facts


def test_a_cache_that_cannot_be_written_is_said_and_ignored(
    ephemeris: Ephemeris, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("FARSIDE_CACHE_DIR", str(tmp_path / "file" / "cache"))
    cache.messages.clear()
    relay = orbit(HALO, ephemeris, 0.0, STOP_S)
    assert relay.facts["largest_jump_km"] < 1e-6
    (message,) = cache.messages
    assert "is not writable (Not a directory); nothing is kept" in message
    cache.messages.clear()


def test_what_changes_an_orbit_changes_its_digest(ephemeris: Ephemeris) -> None:
    digests = {
        orbit({**HALO, "phase_deg": phase}, ephemeris, 0.0, stop, cache=False).digest
        for phase in (0.0, 1.0)
        for stop in (5.0 * DAY_S, 6.0 * DAY_S)
    }
    assert len(digests) == 4


def test_progress_is_told(ephemeris: Ephemeris) -> None:
    told = []
    orbit(
        HALO,
        ephemeris,
        0.0,
        5.0 * DAY_S,
        cache=False,
        progress=lambda step, share: told.append((step, share)),
    )
    assert told[0] == ("integrating the halo orbit", 0.0)
    assert told[-1] == ("integrating the halo orbit", 1.0)


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"kind": "halo", "amplitude_z_km": 400_000}, "no L2 halo of amplitude_z_km 400000"),
        ({"kind": "nrho", "resonance": "9:1"}, "no near-rectilinear L2 orbit"),
        ({"kind": "nrho", "point": "l1"}, "no near-rectilinear L1 orbit"),
        (
            {
                "kind": "propagated",
                "elements": {
                    "lowest_height_km": 15,
                    "highest_height_km": 16000,
                    "inclination_deg": 62.4,
                    "argument_of_perilune_deg": 90,
                },
            },
            r"hits the Moon at 2026-0[23]-\d\dT",
        ),
        (
            {
                "kind": "keplerian",
                "elements": {
                    "semi_major_axis_km": 2000,
                    "eccentricity": 0.2,
                    "inclination_deg": 0,
                },
            },
            "137.4 km inside the moon",
        ),
        ({**ELLIPSE, "gravity": {"degree": 9}}, "degree 9 is asked"),
        ({**ELLIPSE, "gravity": {"degree": 9, "file": "none.sha"}}, "not readable"),
    ],
)
def test_an_orbit_that_cannot_be_is_refused_in_one_line(
    ephemeris: Ephemeris, keys: dict, words: str
) -> None:
    with pytest.raises(OrbitError, match=words) as caught:
        orbit(keys, ephemeris, 0.0, STOP_S)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "keys",
    [
        {"kind": "propagated"},
        {"kind": "propagated", "state": None, "frozen": None},
        {**ELLIPSE, "center": "earth"},
        {"kind": "halo", "amplitude_z_km": -1},
        {"kind": "halo", "amplitude_z_km": 1, "family": "eastern"},
        {"kind": "keplerian", "elements": {"lowest_height_km": 200, "inclination_deg": 0}},
        {
            "kind": "keplerian",
            "elements": {
                "lowest_height_km": 900,
                "highest_height_km": 200,
                "inclination_deg": 0,
            },
        },
        {"kind": "ballistic"},
        {**HALO, "epoch_utc": "2026-02-30T00:00Z"},
        {**ELLIPSE, "maneuvers": {"raise": {"at_utc": "noon", "delta_v_m_s": [0, 1, 0]}}},
        {"kind": "spk", "file": "relay.bsp", "epoch_utc": "2026-02-03T00:00Z"},
    ],
)
def test_parameters_that_say_too_little_or_too_much(keys: dict) -> None:
    with pytest.raises(ValidationError):
        orbit_parameters(keys)


@pytest.mark.slow
def test_a_halo_for_five_years() -> None:
    clock = Clock.starting("2019-01-03T00:00Z")
    days = 5.0 * 365.25
    ephemeris = sky(days, 40.0, clock)
    relay = orbit(HALO, ephemeris, 0.0, days * DAY_S)
    distance = np.linalg.norm(relay.track(np.arange(0.0, days * DAY_S, 1200.0)), axis=0)
    print(json.dumps({"from_km": distance.min(), "to_km": distance.max(), **relay.facts}))
    assert distance.min() > 46_000.0
    assert distance.max() < 80_000.0
    assert relay.facts["period_d"] == pytest.approx(14.8, abs=0.3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("phase_deg", "earth_eclipses"),
    # A resonance with the Sun's month keeps some phases out of the Earth's shadow, others in it.
    [(180.0, 0), (90.0, 2)],
)
def test_a_near_rectilinear_orbit_for_a_year(phase_deg: float, earth_eclipses: int) -> None:
    stop_s = 365.0 * DAY_S
    ephemeris = sky(365.0, 20.0)
    relay = orbit({"kind": "nrho", "phase_deg": phase_deg}, ephemeris, 0.0, stop_s)
    distance = np.linalg.norm(relay.track(np.arange(0.0, stop_s, 60.0)), axis=0)
    lowest = distance[1:-1][(distance[1:-1] < distance[:-2]) & (distance[1:-1] <= distance[2:])]
    assert lowest.min() > 3100.0
    assert lowest.max() < 3700.0
    counts = []
    for body, radius in (("moon", 1737.4), ("earth", 6378.137)):
        found = relay_eclipses(relay.track, ephemeris, 0.0, stop_s, body).durations_s
        runs = _shadow_runs_s(relay, ephemeris, stop_s, body, radius)
        counts.append(len(runs))
        assert len(found) == len(runs)
        assert np.abs(found - runs).max(initial=0.0) < 1.0
        print(phase_deg, body, len(runs), found.max(initial=0.0) / 60.0, "min")
    assert counts[0] > 3
    assert counts[1] == earth_eclipses


def _shadow_runs_s(
    relay: Orbit, ephemeris: Ephemeris, stop_s: float, body: str, radius_km: float
) -> np.ndarray:
    """Lengths of the passages through the half-shadow's cone, from a grid of 10 s.

    By distances from the shadow's axis, not by angles; edges are linear between grid points.
    """
    times = np.arange(0.0, stop_s, 10.0)
    depth = np.empty(len(times))
    for part in np.array_split(np.arange(len(times)), 40):
        here = times[part]
        sun, at = ephemeris.shadow_vectors_km(here, relay.track(here), body)
        axis = (at - sun) / np.linalg.norm(at - sun, axis=0)
        along = -(at * axis).sum(axis=0)
        across = np.linalg.norm(at + along * axis, axis=0)
        half = np.arcsin((695_700.0 + radius_km) / np.linalg.norm(sun - at, axis=0))
        reach = radius_km / np.cos(half) + along * np.tan(half)
        depth[part] = np.where(along > 0.0, reach - across, -1.0)
    flips = np.flatnonzero((depth[1:] > 0.0) != (depth[:-1] > 0.0))
    share = depth[flips] / (depth[flips] - depth[flips + 1])
    edges = times[flips] + 10.0 * share
    return edges[1::2] - edges[::2]


def _potential(field: GravityField, place: np.ndarray) -> float:
    """By Legendre functions of scipy, normalised here."""
    from math import factorial

    r = np.linalg.norm(place)
    sine, longitude = place[2] / r, np.arctan2(place[1], place[0])
    total = 0.0
    for n in range(field.degree + 1):
        for m in range(n + 1):
            norm = np.sqrt((1 + (m > 0)) * (2 * n + 1) * factorial(n - m) / factorial(n + m))
            legendre = norm * lpmv(m, n, sine) * (-1) ** m
            wave = field.cosines[n, m] * np.cos(m * longitude)
            wave += field.sines[n, m] * np.sin(m * longitude)
            total += (field.radius_km / r) ** n * legendre * wave
    return float(field.gm_km3_s2 / r * total)


def _energy(state: np.ndarray) -> float:
    return float(0.5 * state[3:] @ state[3:] - MOON_GM_KM3_S2 / np.linalg.norm(state[:3]))
