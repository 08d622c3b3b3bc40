"""The design control table: a link's budget line by line, with tolerances, for one instant."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from sim.physics.antennas import half_power_beamwidth_deg
from sim.physics.coding import required_eb_n0_db, symbol_rate_sps, sync_loss_db
from sim.physics.links import (
    Channel,
    LinkGeometry,
    LinkParameters,
    Mode,
    closing_modes,
    gain_over_noise_db_k,
    mode_of,
    required_dbhz,
    terms_db,
    user_rate_bps,
)
from sim.physics.modulation import (
    ModulationParameters,
    bandwidth_hz,
    carrier_suppression_db,
    data_suppression_db,
    required_loop_dbhz,
)
from sim.physics.noise import system_noise_terms_k
from sim.physics.propagation import doppler_hz, doppler_rate_hz_s, light_time_s
from sim.physics.terminals import TerminalParameters
from sim.physics.tolerances import Tolerance

_UNITS = {
    "transmit_power": "dBW",
    "transmit_gain": "dBi",
    "receive_gain": "dBi",
    "noise": "dB/K",
    "boltzmann": "dB",
    "rate": "dBHz",
}

_SENT = ("transmit_power", "transmit_loss", "transmit_gain", "transmit_pointing")
_UNDER_WAY = ("path_loss", "polarisation", "atmosphere", "fade", "other_loss")
_RECEIVED = ("receive_gain", "receive_pointing", "noise", "boltzmann")


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One line. Terms add up to results; losses are negative.

    `variance` is in the square of the unit. In a result, favourable and adverse are all tolerances
    at once, which is far rarer than three sigma.
    """

    term: str
    unit: str
    favourable: float
    design: float
    adverse: float
    distribution: str
    mean: float
    variance: float
    is_result: bool = False


@dataclass(frozen=True, slots=True)
class LinkBudget:
    """The budget of one link, rate and instant."""

    source: str
    destination: str
    frequency_hz: float
    rate_bps: int
    code: str
    rows: tuple[BudgetRow, ...]
    margin_db: float
    """Design margin."""
    mean_margin_db: float
    sigma_db: float
    needed_margin_db: float
    """Design margin that the link's rule asks for."""
    closes: bool
    closing_rate_bps: int
    """Highest rate that closes at this instant."""
    facts: tuple[tuple[str, float, str], ...]
    """What else is worth reading: name, value, unit."""

    def row(self, term: str) -> BudgetRow:
        """The line of a term or a result, by name."""
        for row in self.rows:
            if row.term == term:
                return row
        names = ", ".join(row.term for row in self.rows)
        raise ValueError(f"the budget has no line '{term}'; there are {names}")

    def fact(self, name: str) -> float:
        """A fact by name."""
        for known, value, _ in self.facts:
            if known == name:
                return value
        names = ", ".join(known for known, _, _ in self.facts)
        raise ValueError(f"the budget has no fact '{name}'; there are {names}")

    def margin_less_sigmas_db(self, sigmas: float) -> float:
        """Mean margin less a number of standard deviations."""
        return self.mean_margin_db - sigmas * self.sigma_db


@dataclass(frozen=True, slots=True)
class LinkNeeds:
    """What two terminals have, and what either must have for a rate to close at every instant."""

    rate_bps: int
    eirp_dbw: float
    g_over_t_db_k: float
    spare_db: float
    """Margin over what the rule asks for, at the worst instant; negative where it does not close."""

    @property
    def needed_eirp_dbw(self) -> float:
        """Radiated power that closes the rate with the receiving terminal as it is."""
        return self.eirp_dbw - self.spare_db

    @property
    def needed_g_over_t_db_k(self) -> float:
        """G/T that closes the rate with the transmitting terminal as it is."""
        return self.g_over_t_db_k - self.spare_db


def link_needs(channel: Channel, geometry: LinkGeometry, rate_bps: int) -> LinkNeeds:
    """The terminals at the worst instant of a geometry, against a rate of the link."""
    terms = terms_db(channel, geometry)
    ratio = np.atleast_1d(sum(terms.values()))
    worst = int(np.argmin(ratio))

    def there(names: tuple[str, ...]) -> float:
        return float(np.broadcast_to(sum(terms[name] for name in names), ratio.shape)[worst])

    return LinkNeeds(
        rate_bps=rate_bps,
        eirp_dbw=there(_SENT),
        g_over_t_db_k=there(("receive_gain", "receive_pointing", "noise")),
        spare_db=float(ratio[worst]) - mode_of(channel, rate_bps).threshold_dbhz,
    )


def link_budget(
    channel: Channel,
    geometry: LinkGeometry,
    rate_bps: int | None = None,
    destination: str | None = None,
) -> LinkBudget:
    """The design control table at one instant; every number of `geometry` is a scalar.

    Without a rate: the highest that closes, or the lowest where none does. `destination` names the
    receiving end where the link has several.
    """
    terms = {name: float(value) for name, value in terms_db(channel, geometry).items()}
    ratio = sum(terms.values())
    best = int(closing_modes(channel, ratio))
    mode = mode_of(channel, rate_bps) if rate_bps is not None else channel.modes[max(best - 1, 0)]
    rows = _rows(channel, terms, mode)
    margin = rows[-1]
    return LinkBudget(
        source=channel.link.from_,
        destination=destination or channel.link.to[0],
        frequency_hz=channel.link.frequency_hz,
        rate_bps=mode.rate_bps,
        code=mode.code.name,
        rows=tuple(rows),
        margin_db=margin.design,
        mean_margin_db=margin.mean,
        sigma_db=float(np.sqrt(margin.variance)),
        needed_margin_db=mode.threshold_dbhz
        - required_dbhz(channel.link, mode.code, mode.rate_bps),
        closes=bool(ratio >= mode.threshold_dbhz),
        closing_rate_bps=int(channel.rates_bps[best]),
        facts=_facts(channel, geometry, mode),
    )


def _rows(channel: Channel, terms: dict[str, float], mode: Mode) -> list[BudgetRow]:
    link, code = channel.link, mode.code
    tolerances = link.tolerances.by_term()

    def row(term: str, design: float) -> BudgetRow:
        return _term(term, design, tolerances.get(term, Tolerance()))

    power = [row(name, terms[name]) for name in _SENT]
    rows = [*power, _total("eirp", "dBW", power)]
    power += [row(name, terms[name]) for name in (*_UNDER_WAY, *_RECEIVED)]
    rows += [*power[len(_SENT) :], _total("pt_n0", "dBHz", power)]
    loop = _loop_rows(link.modulation, power)
    data = [row("modulation", -data_suppression_db(link.modulation))]
    rows += [*loop, *data, _total("pd_n0", "dBHz", power + data)]
    receiver = [
        row("rate", -10.0 * float(np.log10(mode.rate_bps))),
        row("sync_marker", -sync_loss_db(code)),
        row("implementation", -link.modulation.implementation_loss_db),
    ]
    rows += [*receiver, _total("eb_n0", "dB", power + data + receiver)]
    required = row("required", -required_eb_n0_db(code, link.frame_error_rate))
    margin = _total("margin", "dB", [*power, *data, *receiver, required])
    if loop and loop[-1].design < margin.design:
        margin = replace(loop[-1], term="margin")
    return [*rows, required, margin]


def _loop_rows(modulation: ModulationParameters, power: list[BudgetRow]) -> list[BudgetRow]:
    """Pc/N0 and the margin of the loop that tracks a residual carrier; nothing if suppressed."""
    suppression, needed = carrier_suppression_db(modulation), required_loop_dbhz(modulation)
    if suppression is None or needed is None:
        return []
    carrier = _term("carrier_suppression", -suppression, Tolerance())
    loop = _term("loop", suppression - needed, Tolerance())
    return [
        _total("pc_n0", "dBHz", [*power, carrier]),
        _total("carrier_margin", "dB", [*power, carrier, loop]),
    ]


def _term(term: str, design: float, tolerance: Tolerance) -> BudgetRow:
    return BudgetRow(
        term=term,
        unit=_UNITS.get(term, "dB"),
        favourable=design + tolerance.favourable_db,
        design=design + 0.0,  # no minus before a zero
        adverse=design + tolerance.adverse_db,
        distribution=tolerance.distribution if tolerance.variance_db2 else "",
        mean=design + tolerance.mean_db,
        variance=tolerance.variance_db2,
    )


def _total(term: str, unit: str, rows: list[BudgetRow]) -> BudgetRow:
    return BudgetRow(
        term=term,
        unit=unit,
        favourable=sum(row.favourable for row in rows),
        design=sum(row.design for row in rows),
        adverse=sum(row.adverse for row in rows),
        distribution="",
        mean=sum(row.mean for row in rows),
        variance=sum(row.variance for row in rows),
        is_result=True,
    )


def _facts(
    channel: Channel, geometry: LinkGeometry, mode: Mode
) -> tuple[tuple[str, float, str], ...]:
    link = channel.link
    symbols_sps = float(symbol_rate_sps(mode.code, mode.rate_bps))
    known: list[tuple[str, ArrayLike | None, str]] = [
        ("range", geometry.range_km, "km"),
        ("light_time", light_time_s(geometry.range_km), "s"),
        ("source_elevation", geometry.source_elevation_deg, "deg"),
        ("destination_elevation", geometry.destination_elevation_deg, "deg"),
        ("source_off_axis", geometry.source_off_axis_deg, "deg"),
        ("source_pointing_error", channel.source.antenna.pointing.error_deg, "deg"),
        ("source_beamwidth", _beamwidth_deg(channel.source, link), "deg"),
        ("destination_off_axis", geometry.destination_off_axis_deg, "deg"),
        ("destination_pointing_error", channel.destination.antenna.pointing.error_deg, "deg"),
        ("destination_beamwidth", _beamwidth_deg(channel.destination, link), "deg"),
        ("symbol_rate", symbols_sps, "sps"),
        ("user_rate", user_rate_bps(channel, mode.rate_bps), "bps"),
        ("bandwidth", float(bandwidth_hz(link.modulation, symbols_sps)), "Hz"),
        ("code_rate", mode.code.rate, ""),
        ("g_over_t", gain_over_noise_db_k(channel, geometry), "dB/K"),
        *_motion(channel, geometry),
        *_noises(channel, geometry),
    ]
    return tuple((name, float(np.asarray(v)), unit) for name, v, unit in known if v is not None)


def _beamwidth_deg(terminal: TerminalParameters, link: LinkParameters) -> float:
    return half_power_beamwidth_deg(terminal.antenna, link.frequency_hz)


def _motion(channel: Channel, geometry: LinkGeometry) -> list[tuple[str, ArrayLike | None, str]]:
    frequency_hz = channel.link.frequency_hz
    speed, change = geometry.range_rate_km_s, geometry.range_acceleration_km_s2
    return [
        ("doppler", None if speed is None else doppler_hz(frequency_hz, speed), "Hz"),
        (
            "doppler_rate",
            None if change is None else doppler_rate_hz_s(frequency_hz, change),
            "Hz/s",
        ),
    ]


def _noises(channel: Channel, geometry: LinkGeometry) -> list[tuple[str, ArrayLike | None, str]]:
    terms = system_noise_terms_k(
        channel.destination.antenna,
        channel.receiver,
        channel.destination.atmosphere,
        channel.link.frequency_hz,
        geometry.surroundings,
    )
    total = sum(float(noise) for noise in terms.values())
    return [
        *((f"noise_{name}", noise, "K") for name, noise in terms.items()),
        ("noise_system", total, "K"),
    ]
