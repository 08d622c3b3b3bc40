"""Terminals: the radios of an asset, as a scenario describes them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.parameters import NonNegative, Parameters, Positive
from sim.physics.antennas import AntennaParameters
from sim.physics.atmosphere import AtmosphereParameters
from sim.physics.noise import ReceiverParameters


class TransmitterParameters(Parameters):
    """A transmitter: radio power out of the amplifier and the electrical power that it takes."""

    power_w: Positive
    """Radio power at the amplifier's output."""
    load_w: NonNegative = 0.0
    """Electrical power while transmitting; 0 where somebody else counts it."""
    loss_db: NonNegative = 0.0
    """Feed loss between amplifier and antenna."""


class SharingParameters(Parameters):
    """How many links a terminal serves at once."""

    channels: Annotated[int, Field(ge=1)] = 1
    """Links at the same time, by frequency: receivers or transmitters."""
    beams: Annotated[int, Field(ge=1)] | None = None
    """Directions at the same time, users within half a beamwidth sharing one. None: one for a
    steered antenna with a pattern, as many as needed for others."""
    access: Literal["frequency", "time"] = "frequency"
    """Users beyond the channels wait; under `time` all users share one channel and beam in equal
    turns, the time between turns not counted."""
    duplex: Literal["full", "half"] = "full"
    """Whether it can transmit while it receives; under `half` the two take equal turns."""


class TerminalParameters(Parameters):
    """A radio of an asset: an antenna with a transmitter, a receiver or both."""

    antenna: AntennaParameters
    transmitter: TransmitterParameters | None = None
    receiver: ReceiverParameters | None = None
    atmosphere: AtmosphereParameters | None = None
    """The air above a station on the Earth, at this terminal's band; none: no air."""
    sharing: SharingParameters = SharingParameters()

    @model_validator(mode="after")
    def _check_use(self) -> Self:
        if self.transmitter is None and self.receiver is None:
            raise ValueError("a terminal needs a transmitter, a receiver or both")
        return self
