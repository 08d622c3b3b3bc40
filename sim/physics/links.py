"""A radio link in one direction: from transmitted power to the rate that closes.

`carrier_to_noise_dbhz` is Pt/N0, the total received power over the noise density; everything that
does not change with time (code, modulation, rate, rule) is a threshold against it, so that rates
follow from comparing one array with a few numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from sim.constants import BOLTZMANN_DBW_HZ_K
from sim.parameters import NAME_PATTERN, Name, NonNegative, Parameters
from sim.physics.antennas import (
    AntennaParameters,
    band_hz,
    band_text,
    elevation_loss_db,
    frequency_problem,
    peak_gain_dbi,
    pointing_loss_db,
)
from sim.physics.atmosphere import attenuation_db
from sim.physics.coding import (
    Code,
    FramingParameters,
    frame_error_rate,
    information_rate_bps,
    required_eb_n0_db,
    symbol_rate_sps,
    sync_loss_db,
    user_data_rate_bps,
)
from sim.physics.modulation import (
    ModulationParameters,
    band_problem,
    bandwidth_hz,
    data_suppression_db,
    required_loop_dbhz,
)
from sim.physics.noise import ReceiverParameters, Surroundings, system_noise_k
from sim.physics.propagation import FadeParameters, FreeSpacePath, Path, fade_db, path_loss_db
from sim.physics.terminals import TerminalParameters, TransmitterParameters
from sim.physics.tolerances import ToleranceParameters, mean_shift_db, sigma_db

Floats = NDArray[np.float64]
Rates = Annotated[tuple[Annotated[int, Field(gt=0)], ...], Field(min_length=1)]


class ClosingRule(Parameters):
    """When a rate closes.

    `reserve`: the design margin is at least `margin_db` (3 dB if not given). `sigmas`: the mean
    margin less `sigmas` standard deviations of the tolerances is at least `margin_db` (0 dB if not
    given).
    """

    rule: Literal["reserve", "sigmas"] = "reserve"
    sigmas: Annotated[float, Field(ge=0.0, le=6.0)] = 2.0


def _listed(value: object) -> object:
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str) else value


def _one_or_more(item: dict[str, str]) -> WithJsonSchema:
    several = {"type": "array", "items": item, "minItems": 1}
    return WithJsonSchema({"anyOf": [item, several]}, mode="validation")


_NAME_RULE = {"type": "string", "pattern": NAME_PATTERN}
Names = Annotated[
    tuple[Name, ...], Field(min_length=1), BeforeValidator(_listed), _one_or_more(_NAME_RULE)
]
"""One name or a list of names."""

Ends = Annotated[
    tuple[str, ...], Field(min_length=1), BeforeValidator(_listed), _one_or_more({"type": "string"})
]
"""One end of a link or a list of ends."""


class LinkParameters(Parameters):
    """One direction of a radio link between terminals, `ASSET.TERMINAL` or the asset where unique."""

    from_: str = Field(alias="from")
    to: Ends
    """Ends that can receive it, one at a time."""
    frequency_hz: Annotated[float, Field(ge=1e6, le=1e12)]
    coding: Names
    """A code of the catalogue; several: at each instant the one with the highest rate that closes."""
    rates_bps: Rates | None = None
    """Information rates at the input of the channel code, rising."""
    symbol_rates_sps: Rates | None = None
    """Instead: rates of channel bits, from which each code makes its own information rate."""
    margin_db: Annotated[float, Field(ge=-30.0, le=60.0)] | None = None
    """Margin that a rate needs to close; by `closing` if left out."""
    closing: ClosingRule = ClosingRule()
    hysteresis_db: NonNegative = 0.0
    """More margin than that before the rate goes up again."""
    acquisition_s: Annotated[int, Field(ge=0)] = 0
    """Time without data at the start of a contact and at each change of rate."""
    frame_error_rate: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    """Frame error rate at the threshold; the code's own if left out."""
    modulation: ModulationParameters = ModulationParameters()
    framing: FramingParameters = FramingParameters()
    polarisation_loss_db: NonNegative = 0.0
    other_loss_db: NonNegative = 0.0
    path: Path = FreeSpacePath()
    fade: FadeParameters | None = None
    """Multipath allowance where the destination stands low over the source's horizon."""
    tolerances: ToleranceParameters = ToleranceParameters()

    @model_validator(mode="after")
    def _check_rates(self) -> Self:
        given = [rates for rates in (self.rates_bps, self.symbol_rates_sps) if rates is not None]
        if len(given) != 1:
            raise ValueError("a link needs exactly one of rates_bps and symbol_rates_sps")
        if any(after <= before for before, after in pairwise(given[0])):
            raise ValueError(f"the link's rates {list(given[0])} do not rise; sort them")
        return self

    @property
    def closing_margin_db(self) -> float:
        """Margin that a rate needs to close."""
        if self.margin_db is not None:
            return self.margin_db
        return 3.0 if self.closing.rule == "reserve" else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkGeometry:
    """Where the two ends are, seen from each other: numbers or arrays that broadcast to (N,).

    Angles off the axis are without the antennas' own pointing errors, which the link adds. None:
    not known, refused where the link needs it. Discs are seen from the destination, their angles
    measured from its axis.
    """

    range_km: ArrayLike
    source_off_axis_deg: ArrayLike = 0.0
    destination_off_axis_deg: ArrayLike = 0.0
    source_elevation_deg: ArrayLike | None = None
    """Of the destination over the source's horizon."""
    destination_elevation_deg: ArrayLike | None = None
    """Of the source over the destination's horizon."""
    moon_angle_deg: ArrayLike | None = None
    moon_radius_deg: ArrayLike | None = None
    sun_angle_deg: ArrayLike | None = None
    sun_radius_deg: ArrayLike | None = None
    range_rate_km_s: ArrayLike | None = None
    """Positive when the ends part."""
    range_acceleration_km_s2: ArrayLike | None = None

    @property
    def surroundings(self) -> Surroundings:
        """What the destination's antenna sees."""
        return Surroundings(
            elevation_deg=self.destination_elevation_deg,
            moon_angle_deg=self.moon_angle_deg,
            moon_radius_deg=self.moon_radius_deg,
            sun_angle_deg=self.sun_angle_deg,
            sun_radius_deg=self.sun_radius_deg,
        )


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to send: an information rate under a code, and the Pt/N0 at which it closes."""

    rate_bps: int
    code: Code
    threshold_dbhz: float
    """With the margin that the link's rule asks for."""


@dataclass(frozen=True)
class Channel:
    """A link with both its terminals and its codes: what a budget needs. Make it with `of`."""

    link: LinkParameters
    source: TerminalParameters
    destination: TerminalParameters
    codes: tuple[Code, ...]

    @classmethod
    def of(
        cls,
        link: LinkParameters,
        source: TerminalParameters,
        destination: TerminalParameters,
        codes: Mapping[str, Code],
        to: str | None = None,
    ) -> "Channel":
        """The channel to one destination, `codes` being the catalogue by name.

        `to` names the destination in messages. Errors: no transmitter or receiver, an unknown code,
        a frequency that either antenna cannot use, no rate within a code's limit.
        """
        ends = f"link from '{link.from_}' to '{to or link.to[0]}'"
        if source.transmitter is None:
            raise ValueError(f"the {ends} has no transmitter at '{link.from_}'; give it one")
        if destination.receiver is None:
            raise ValueError(f"the {ends} has no receiver at '{to or link.to[0]}'; give it one")
        unknown = [name for name in link.coding if name not in codes]
        if unknown:
            known = ", ".join(sorted(codes))
            raise ValueError(f"the {ends} uses the unknown code '{unknown[0]}'; there are {known}")
        bands = band_hz(source.antenna), band_hz(destination.antenna)
        if max(low for low, _ in bands) > min(high for _, high in bands):
            raise ValueError(
                f"the {ends} has no common band: '{link.from_}' has {band_text(source.antenna)}, "
                f"'{to or link.to[0]}' has {band_text(destination.antenna)}; join terminals that do"
            )
        for end, terminal in ((link.from_, source), (to or link.to[0], destination)):
            problem = frequency_problem(terminal.antenna, link.frequency_hz)
            if problem is not None:
                raise ValueError(f"the {ends} does not fit '{end}': {problem}")
        channel = cls(link, source, destination, tuple(codes[name] for name in link.coding))
        if not channel.modes:
            raise ValueError(f"the {ends} has no rate within the symbol rates of its codes")
        return channel

    @property
    def transmitter(self) -> TransmitterParameters:
        """The source's transmitter."""
        if self.source.transmitter is None:
            raise ValueError(f"'{self.link.from_}' has no transmitter; give it one")
        return self.source.transmitter

    @property
    def receiver(self) -> ReceiverParameters:
        """The destination's receiver."""
        if self.destination.receiver is None:
            raise ValueError(f"'{self.link.to[0]}' has no receiver; give it one")
        return self.destination.receiver

    @cached_property
    def modes(self) -> tuple[Mode, ...]:
        """The useful modes, rates and thresholds both rising.

        A mode that needs more than a faster one needs is left out: nobody would choose it.
        """
        modes = sorted(self.all_modes, key=lambda mode: (-mode.rate_bps, mode.threshold_dbhz))
        useful: list[Mode] = []
        for mode in modes:
            if not useful or mode.threshold_dbhz < useful[-1].threshold_dbhz:
                useful.append(mode)
        return tuple(reversed(useful))

    @cached_property
    def all_modes(self) -> tuple[Mode, ...]:
        """Every rate under every code that can carry it."""
        return tuple(
            Mode(rate, code, threshold_dbhz(self.link, code, rate))
            for code in self.codes
            for rate in _rates_bps(self.link, code)
        )

    @cached_property
    def thresholds_dbhz(self) -> Floats:
        """Pt/N0 at which each mode closes, rising; shape (M,)."""
        return np.array([mode.threshold_dbhz for mode in self.modes])

    @cached_property
    def rates_bps(self) -> NDArray[np.int64]:
        """No rate and then each mode's, rising; shape (M + 1,)."""
        return np.array([0, *(mode.rate_bps for mode in self.modes)], dtype=np.int64)


def _rates_bps(link: LinkParameters, code: Code) -> list[int]:
    if link.rates_bps is not None:
        rates = list(link.rates_bps)
    else:
        rates = [information_rate_bps(code, rate) for rate in link.symbol_rates_sps or ()]
    limit = code.max_symbol_rate_sps or np.inf
    return [rate for rate in rates if float(symbol_rate_sps(code, rate)) <= limit * (1.0 + 1e-9)]


def terms_db(channel: Channel, geometry: LinkGeometry) -> dict[str, Floats]:
    """Every term of Pt/N0 by name, losses negative, their sum being `carrier_to_noise_dbhz`.

    The names are those of `ToleranceParameters`, and `boltzmann`. Terms that do not change are
    numbers, the others have the shape of the geometry.
    """
    link = channel.link
    terms = _end_terms_db(channel, geometry)
    terms["path_loss"] = -path_loss_db(link.path, geometry.range_km, link.frequency_hz)
    terms["polarisation"] = np.asarray(-link.polarisation_loss_db)
    terms["other_loss"] = np.asarray(-link.other_loss_db)
    terms["atmosphere"] = -_air_loss_db(channel, geometry)
    terms["fade"] = np.asarray(0.0)
    if link.fade is not None:
        elevation = _known(geometry.source_elevation_deg, channel, "the multipath allowance")
        terms["fade"] = -fade_db(link.fade, elevation)
    terms["noise"] = -10.0 * np.log10(noise_k(channel, geometry))
    terms["boltzmann"] = np.asarray(-BOLTZMANN_DBW_HZ_K)
    return terms


def _end_terms_db(channel: Channel, geometry: LinkGeometry) -> dict[str, Floats]:
    transmitter, frequency_hz = channel.transmitter, channel.link.frequency_hz
    sending, receiving = channel.source.antenna, channel.destination.antenna
    return {
        "transmit_power": 10.0 * np.log10(np.asarray(transmitter.power_w)),
        "transmit_loss": np.asarray(-transmitter.loss_db),
        "transmit_gain": np.asarray(peak_gain_dbi(sending, frequency_hz)),
        "transmit_pointing": -_aiming_loss_db(
            sending, frequency_hz, geometry.source_off_axis_deg, geometry.source_elevation_deg
        ),
        "receive_gain": np.asarray(peak_gain_dbi(receiving, frequency_hz)),
        "receive_pointing": -_aiming_loss_db(
            receiving,
            frequency_hz,
            geometry.destination_off_axis_deg,
            geometry.destination_elevation_deg,
        ),
    }


def _aiming_loss_db(
    antenna: AntennaParameters,
    frequency_hz: float,
    off_axis_deg: ArrayLike,
    elevation_deg: ArrayLike | None,
) -> Floats:
    """Loss by direction: pattern, pointing error (added to the angle off the axis) and gravity."""
    away = np.asarray(off_axis_deg, dtype=float) + antenna.pointing.error_deg
    loss = pointing_loss_db(antenna, frequency_hz, away)
    if elevation_deg is None:
        return loss
    return loss + elevation_loss_db(antenna, elevation_deg)


def _air_loss_db(channel: Channel, geometry: LinkGeometry) -> Floats:
    loss = np.asarray(0.0)
    for air, elevation in (
        (channel.destination.atmosphere, geometry.destination_elevation_deg),
        (channel.source.atmosphere, geometry.source_elevation_deg),
    ):
        if air is not None:
            loss = loss + attenuation_db(air, _known(elevation, channel, "the air's attenuation"))
    return loss


def _known(elevation_deg: ArrayLike | None, channel: Channel, what: str) -> ArrayLike:
    if elevation_deg is None:
        raise ValueError(
            f"the link from '{channel.link.from_}' needs an elevation for {what}, "
            "and the geometry does not give it"
        )
    return elevation_deg


def noise_k(channel: Channel, geometry: LinkGeometry) -> Floats:
    """System noise temperature of the destination."""
    return system_noise_k(
        channel.destination.antenna,
        channel.receiver,
        channel.destination.atmosphere,
        channel.link.frequency_hz,
        geometry.surroundings,
    )


def gain_over_noise_db_k(channel: Channel, geometry: LinkGeometry) -> Floats:
    """G/T of the destination towards the source."""
    terms = terms_db(channel, geometry)
    return np.asarray(terms["receive_gain"] + terms["receive_pointing"] + terms["noise"])


def carrier_to_noise_dbhz(channel: Channel, geometry: LinkGeometry) -> Floats:
    """Pt/N0: total received power over noise density; shape of the geometry."""
    return np.asarray(sum(terms_db(channel, geometry).values()))


def required_dbhz(link: LinkParameters, code: Code, rate_bps: int) -> float:
    """Pt/N0 at which the margin of a rate is zero: the data's threshold, or the carrier loop's."""
    required = required_eb_n0_db(code, link.frame_error_rate) + sync_loss_db(code)
    required += link.modulation.implementation_loss_db + data_suppression_db(link.modulation)
    required += 10.0 * float(np.log10(rate_bps))
    return max(required, required_loop_dbhz(link.modulation) or -np.inf)


def eb_n0_db(
    link: LinkParameters, code: Code, carrier_to_noise_dbhz: ArrayLike, rate_bps: int
) -> Floats:
    """Eb/N0 at the decoder, after the losses of modulation, receiver and sync markers."""
    loss = link.modulation.implementation_loss_db + data_suppression_db(link.modulation)
    loss += sync_loss_db(code) + 10.0 * float(np.log10(rate_bps))
    return np.asarray(carrier_to_noise_dbhz, dtype=float) - loss


def threshold_dbhz(link: LinkParameters, code: Code, rate_bps: int) -> float:
    """Pt/N0 at which a rate closes under the link's rule."""
    threshold = required_dbhz(link, code, rate_bps) + link.closing_margin_db
    if link.closing.rule == "sigmas":
        threshold += link.closing.sigmas * sigma_db(link.tolerances) - mean_shift_db(
            link.tolerances
        )
    return threshold


def mode_of(channel: Channel, rate_bps: int) -> Mode:
    """The mode of a rate, by the code that needs least; errors: a rate that the link lacks."""
    modes = [mode for mode in channel.all_modes if mode.rate_bps == rate_bps]
    if modes:
        return min(modes, key=lambda mode: mode.threshold_dbhz)
    have = ", ".join(str(rate) for rate in sorted({mode.rate_bps for mode in channel.all_modes}))
    raise ValueError(
        f"the link from '{channel.link.from_}' has no rate of {rate_bps} b/s; it has {have}"
    )


def margin_db(channel: Channel, geometry: LinkGeometry, rate_bps: int) -> Floats:
    """Design margin of a rate: Pt/N0 less what the rate needs, before any reserve."""
    code = mode_of(channel, rate_bps).code
    required = required_dbhz(channel.link, code, rate_bps)
    return carrier_to_noise_dbhz(channel, geometry) - required


def closing_modes(channel: Channel, carrier_to_noise_dbhz: ArrayLike) -> NDArray[np.int64]:
    """How many modes close at each Pt/N0: 0 none, k the k-th; any shape.

    A mode closes when its margin is exactly met.
    """
    ratio = np.asarray(carrier_to_noise_dbhz, dtype=float)
    return np.searchsorted(channel.thresholds_dbhz, ratio, side="right")


def closing_rate_bps(channel: Channel, geometry: LinkGeometry) -> NDArray[np.int64]:
    """Highest information rate that closes at each instant, 0 where none does; no hysteresis."""
    ratio = carrier_to_noise_dbhz(channel, geometry)
    return np.asarray(channel.rates_bps[closing_modes(channel, ratio)])


def held_modes(channel: Channel, carrier_to_noise_dbhz: ArrayLike) -> NDArray[np.int64]:
    """Modes in time order (N,) with hysteresis: down at once, up only with `hysteresis_db` more.

    The first instant is taken as the start of a contact, where the highest closing mode is used.
    """
    ratio = np.atleast_1d(np.asarray(carrier_to_noise_dbhz, dtype=float))
    highest = closing_modes(channel, ratio)
    surely = closing_modes(channel, ratio - channel.link.hysteresis_db)
    held = np.empty(len(ratio), dtype=np.int64)
    edges = np.flatnonzero((np.diff(highest) != 0) | (np.diff(surely) != 0)) + 1
    current = int(highest[0]) if len(ratio) else 0
    for start, stop in pairwise([0, *edges.tolist(), len(ratio)]):
        current = min(max(current, int(surely[start])), int(highest[start])) if start else current
        held[start:stop] = current
    return held


def user_rate_bps(channel: Channel, rate_bps: int) -> int:
    """User data per second at a rate: frames less their headers, whole bits."""
    code = mode_of(channel, rate_bps).code
    return int(user_data_rate_bps(code, channel.link.framing, rate_bps))


def expected_frame_loss(channel: Channel, geometry: LinkGeometry, rate_bps: int) -> Floats:
    """Frame error rate at the Eb/N0 that a rate has."""
    mode = mode_of(channel, rate_bps)
    eb_n0 = eb_n0_db(channel.link, mode.code, carrier_to_noise_dbhz(channel, geometry), rate_bps)
    return frame_error_rate(mode.code, eb_n0)


def link_warnings(channel: Channel) -> list[str]:
    """What is unusual and allowed: a band beyond the allocation, a code known only by memory."""
    link, warnings = channel.link, []
    for mode in channel.modes:
        width = float(bandwidth_hz(link.modulation, symbol_rate_sps(mode.code, mode.rate_bps)))
        problem = band_problem(link.frequency_hz, width)
        if problem is not None:
            warnings.append(f"link from '{link.from_}' at {mode.rate_bps} b/s: {problem}")
    for code in channel.codes:
        if code.recalled:
            warnings.append(f"link from '{link.from_}': the curve of '{code.name}' is recalled")
    return warnings
