"""What a window of acceleration says: its size, shape and spectrum, and that of the blows hidden in its envelope."""

from dataclasses import dataclass

import numpy as np

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.samples import F8

SAMPLES_MIN = 256
SAMPLES_MAX = 1 << 20
STANDARD_GRAVITY = 9.80665


class WindowTooShortError(InvalidInputError):
    """Fewer samples than a spectrum can be made of."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """One-sided amplitudes.

    Attributes:
        frequency_hz: Shape (bins,), evenly spaced from 0.
        amplitude: Shape (bins,), peak amplitude in the unit of the window: a sine of 2 on a bin reads 2.
    """

    frequency_hz: F8
    amplitude: F8

    def rms_between(self, low_hz: float, high_hz: float) -> float:
        """Return the RMS of what lies in a band, both ends included; 0 where no bin does.

        A Hann window spreads a line over three bins; the factor 1.5 is its equivalent noise bandwidth.
        """
        inside = (self.frequency_hz >= low_hz) & (self.frequency_hz <= high_hz)
        return float(np.sqrt(np.sum(self.amplitude[inside] ** 2) / 2 / 1.5))

    def peak_near(self, frequency_hz: float, tolerance: float = 0.02) -> float:
        """Return the highest amplitude within a share of a frequency, and at least on its own bin."""
        bin_hz = float(self.frequency_hz[1])
        half = max(tolerance * frequency_hz, bin_hz)
        near = np.abs(self.frequency_hz - frequency_hz) <= half
        return float(self.amplitude[near].max()) if near.any() else 0.0


@dataclass(frozen=True, slots=True)
class Waveform:
    """The size and shape of a window.

    Attributes:
        rms: Root mean square, its mean taken out.
        peak: Largest distance from the mean.
        crest: Peak by RMS: 1.41 of a sine, above 5 where there are blows; None of a flat window.
        kurtosis: 3 of noise, 1.5 of a sine, higher with blows; None of a flat window.
    """

    rms: float
    peak: float
    crest: float | None
    kurtosis: float | None


def waveform(window: F8) -> Waveform:
    """Describe a window, shape (samples,).

    Raises:
        WindowTooShortError: Fewer than 256 samples.
        InvalidInputError: More than a million, or values that are no numbers.
    """
    centred = _checked(window) - window.mean()
    rms, peak = float(np.sqrt(np.mean(centred**2))), float(np.abs(centred).max())
    if rms <= 1e-12 * max(1.0, abs(float(window.mean()))):
        return Waveform(rms, peak, None, None)
    return Waveform(rms, peak, peak / rms, float(np.mean(centred**4)) / rms**4)


def spectrum(window: F8, sample_rate_hz: float) -> Spectrum:
    """Return the one-sided peak-amplitude spectrum of a window, evenly spaced in time, its mean taken out.

    Source: Hann window and its gain after Harris, Proc. IEEE 66(1), 1978.
    """
    centred = _checked(window) - window.mean()
    weights = np.hanning(len(window) + 1)[:-1]  # Periodic, so that a sine on a bin reads its amplitude exactly.
    raw = np.abs(np.fft.rfft(centred * weights)) * 2 / weights.sum()
    raw[0] /= 2
    if len(window) % 2 == 0:
        raw[-1] /= 2  # The highest bin of an even window has no mirror image.
    return Spectrum(np.asarray(np.fft.rfftfreq(len(window), 1 / sample_rate_hz), dtype=np.float64), raw)


def envelope_spectrum(window: F8, sample_rate_hz: float, low_hz: float, high_hz: float) -> Spectrum:
    """Return how often a band is struck: the spectrum of the envelope of what lies between two frequencies.

    A damaged bearing rings a resonance of kilohertz once for each blow; the envelope shows the rate of the blows.

    Source: amplitude demodulation by the analytic signal, Randall & Antoni, Mechanical Systems and Signal
    Processing 25(2), 2011.

    Raises:
        InvalidInputError: The band is empty, or reaches beyond half of the sample rate.
    """
    if not 0 <= low_hz < high_hz <= sample_rate_hz / 2:
        raise InvalidInputError(
            f"An envelope from {low_hz:g} to {high_hz:g} Hz cannot be taken at {sample_rate_hz:g} samples a second; "
            f"the band must lie between 0 and {sample_rate_hz / 2:g} Hz."
        )
    centred = _checked(window) - window.mean()
    whole = np.fft.fft(centred)
    frequency_hz = np.fft.fftfreq(len(window), 1 / sample_rate_hz)
    inside = (frequency_hz >= low_hz) & (frequency_hz <= high_hz)
    analytic = np.fft.ifft(np.where(inside, 2 * whole, 0))
    return spectrum(np.abs(analytic), sample_rate_hz)


def velocity_rms_mm_s(
    acceleration_g: F8, sample_rate_hz: float, low_hz: float = 10.0, high_hz: float = 1000.0
) -> float:
    """Return the broadband vibration velocity in mm/s RMS, for the zones of ISO 20816.

    Args:
        acceleration_g: Shape (samples,), in g.
        sample_rate_hz: Samples per second.
        low_hz: 10, or 2 for machines below 600 rpm.
        high_hz: 1000.
    """
    told = spectrum(acceleration_g, sample_rate_hz)
    inside = (told.frequency_hz >= low_hz) & (told.frequency_hz <= high_hz)
    speed = told.amplitude[inside] * STANDARD_GRAVITY * 1000 / (2 * np.pi * told.frequency_hz[inside])
    return float(np.sqrt(np.sum(speed**2) / 2 / 1.5))


def _checked(window: F8) -> F8:
    if window.ndim != 1 or len(window) < SAMPLES_MIN:
        raise WindowTooShortError(
            f"A window of shape {window.shape} came; one axis of at least {SAMPLES_MIN} samples is needed."
        )
    if len(window) > SAMPLES_MAX:
        raise InvalidInputError(f"A window of {len(window):,} samples came; {SAMPLES_MAX:,} are the most.")
    if not np.isfinite(window).all():
        raise InvalidInputError("A window holds samples that are no numbers; take another one.")
    return window
