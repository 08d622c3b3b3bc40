"""Links: single figures of antennas and noise, and the terminals of published missions."""

import json

import numpy as np

from sim.physics.antennas import (
    ParabolaAntenna,
    half_power_beamwidth_deg,
    main_lobe_loss_db,
    peak_gain_dbi,
)
from sim.physics.links import (
    Channel,
    LinkGeometry,
    carrier_to_noise_dbhz,
    closing_rate_bps,
)
from sim.physics.noise import Surroundings, disc_noise_k, moon_brightness_k, system_noise_k
from sim.physics.propagation import FreeSpacePath, TwoRayPath, path_loss_db, surface_reach_km
from sim.physics.terminals import TerminalParameters
from sim.scenario.parts import group_data
from sim.validation.cases import Cases

_MOON_RADIUS_DEG = 0.259  # 1737.4 km at 384,400 km


def path_loss_of_free_space_db(cases: Cases, range_km: str, frequency_hz: str) -> float:
    """Free-space loss."""
    return float(path_loss_db(FreeSpacePath(), float(range_km), float(frequency_hz)))


def dish_gain_dbi(cases: Cases, diameter_m: str, efficiency: str, frequency_hz: str) -> float:
    """Gain of a perfect dish with an efficiency."""
    dish = ParabolaAntenna(
        kind="parabola", diameter_m=float(diameter_m), efficiency=float(efficiency)
    )
    return peak_gain_dbi(dish, float(frequency_hz))


def dish_beamwidth_deg(cases: Cases, diameter_m: str, frequency_hz: str) -> float:
    """Full width of a dish's beam at half power."""
    dish = ParabolaAntenna(kind="parabola", diameter_m=float(diameter_m))
    return half_power_beamwidth_deg(dish, float(frequency_hz))


def dish_pointing_loss_db(
    cases: Cases, diameter_m: str, frequency_hz: str, error_deg: str
) -> float:
    """Loss of a dish that points beside its target."""
    width = dish_beamwidth_deg(cases, diameter_m, frequency_hz)
    return float(main_lobe_loss_db(float(error_deg), width))


def station_gain_over_noise_db_k(
    cases: Cases, station: str, terminal: str, frequency_hz: str, elevation_deg: str
) -> float:
    """G/T of a station of the catalogue, off the Moon and the Sun."""
    radio = _terminal(station, terminal)
    gain = peak_gain_dbi(radio.antenna, float(frequency_hz))
    noise = _noise_k(radio, float(frequency_hz), float(elevation_deg), 90.0)
    return gain - 10.0 * float(np.log10(noise))


def station_moon_noise_db(
    cases: Cases, station: str, terminal: str, frequency_hz: str, elevation_deg: str
) -> float:
    """By how much a station's noise rises when it looks at the middle of the Moon."""
    radio = _terminal(station, terminal)
    at = float(frequency_hz), float(elevation_deg)
    return 10.0 * float(np.log10(_noise_k(radio, *at, 0.0) / _noise_k(radio, *at, 90.0)))


def moon_noise_db(cases: Cases, diameter_m: str, frequency_hz: str, system_k: str) -> float:
    """The same for a dish with a system noise temperature."""
    dish = ParabolaAntenna(kind="parabola", diameter_m=float(diameter_m))
    frequency = float(frequency_hz)
    warm = moon_brightness_k(frequency)
    added = float(disc_noise_k(dish, frequency, warm, 0.0, _MOON_RADIUS_DEG))
    return 10.0 * float(np.log10((float(system_k) + added) / float(system_k)))


def antenna_reach_km(cases: Cases, height_m: str) -> float:
    """Distance at which two antennas of one height lose sight of each other on the smooth Moon."""
    height = float(height_m)
    return surface_reach_km(
        TwoRayPath(kind="two_ray", source_height_m=height, destination_height_m=height)
    )


def lusee_carrier_to_noise_dbhz(
    cases: Cases, range_km: str, elevation_deg: str, pointing_error_deg: str
) -> float:
    """C/N0 of LuSEE-Night's terminal, the relay's pointing error being given."""
    channel, geometry = _lusee(cases, range_km, elevation_deg, pointing_error_deg)
    return float(carrier_to_noise_dbhz(channel, geometry))


def lusee_rate_bps(
    cases: Cases, range_km: str, elevation_deg: str, pointing_error_deg: str
) -> float:
    """Highest rate of LuSEE-Night's terminal that closes."""
    channel, geometry = _lusee(cases, range_km, elevation_deg, pointing_error_deg)
    return float(closing_rate_bps(channel, geometry))


def queqiao_ground_rate_bps(cases: Cases, station: str, range_km: str, margin_db: str) -> float:
    """Highest rate of Queqiao's link to the ground that closes at 45 deg elevation off the Moon."""
    overrides = [f"links.relay_return.margin_db={margin_db}"]
    scenario = cases.scenario("change4", overrides)
    link = scenario.links["relay_return"]
    ends = scenario.terminal(link.from_), scenario.terminal(f"{station}.s_band")
    geometry = LinkGeometry(
        range_km=float(range_km),
        destination_elevation_deg=45.0,
        moon_angle_deg=5.0,
        moon_radius_deg=_MOON_RADIUS_DEG,
        sun_angle_deg=90.0,
        sun_radius_deg=0.266,
    )
    return float(closing_rate_bps(Channel.of(link, *ends, scenario.codes), geometry))


def best_rate_share(cases: Cases, scenario: str, link: str) -> float:
    """Share of the time in contact in which the highest rate of a link's ladder closes."""
    best = total = 0
    for hop in cases.environment(scenario).hops_of(link):
        for contact in hop.contacts:
            steps = next(iter(contact.steps.values()))
            stops = [start for start, _ in steps[1:]] + [contact.stop_s]
            for (start, rate), stop in zip(steps, stops, strict=True):
                total += stop - start
                best += (stop - start) * (rate == hop.best_rate_bps)
    return best / total


def _lusee(
    cases: Cases, range_km: str, elevation_deg: str, pointing_error_deg: str
) -> tuple[Channel, LinkGeometry]:
    pointing = "relays.pathfinder.terminals.s_user.antenna.pointing.error_deg"
    scenario = cases.scenario("lusee_night", [f"{pointing}={pointing_error_deg}"])
    link = scenario.links["user_return"]
    ends = scenario.terminal(link.from_), scenario.terminal(link.to[0])
    elevation = float(elevation_deg)
    geometry = LinkGeometry(
        range_km=float(range_km),
        source_off_axis_deg=90.0 - elevation,
        source_elevation_deg=elevation,
    )
    return Channel.of(link, *ends, scenario.codes), geometry


def _terminal(station: str, terminal: str) -> TerminalParameters:
    data = group_data("stations")[station]["terminals"][terminal]
    return TerminalParameters.model_validate_json(json.dumps(data))


def _noise_k(
    radio: TerminalParameters, frequency_hz: float, elevation_deg: float, moon_angle_deg: float
) -> float:
    """System noise with the Moon so far from the axis, the Sun far away."""
    if radio.receiver is None:
        return float("nan")
    around = Surroundings(
        elevation_deg=elevation_deg,
        moon_angle_deg=moon_angle_deg,
        moon_radius_deg=_MOON_RADIUS_DEG,
        sun_angle_deg=120.0,
        sun_radius_deg=0.266,
    )
    return float(
        system_noise_k(radio.antenna, radio.receiver, radio.atmosphere, frequency_hz, around)
    )


MEASURES = (
    path_loss_of_free_space_db,
    dish_gain_dbi,
    dish_beamwidth_deg,
    dish_pointing_loss_db,
    station_gain_over_noise_db_k,
    station_moon_noise_db,
    moon_noise_db,
    antenna_reach_km,
    lusee_carrier_to_noise_dbhz,
    lusee_rate_bps,
    queqiao_ground_rate_bps,
    best_rate_share,
)
