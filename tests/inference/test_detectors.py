"""Every detector: what it promises in numpy, in its graph, and on rows that nobody fitted."""

import numpy as np
import pytest

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.models import Detector, DetectorKind
from pdm_app.inference.detector import WindowDetector
from pdm_app.inference.lstm_autoencoder import LstmAutoencoder
from pdm_app.inference.sessions import Session
from pdm_app.inference.training import DETECTORS
from pdm_app.inference.windows import windows_of
from tests.inference.plants import usual, with_fault


def made(kind: DetectorKind) -> Detector:
    if kind is DetectorKind.LSTM_AUTOENCODER:
        return LstmAutoencoder(window_rows=12, cells=12, epochs=12)  # Small, for its full size takes seconds.
    return DETECTORS[kind]()


@pytest.fixture(scope="module")
def trained() -> dict[DetectorKind, Detector]:
    rows = usual(600)
    return {kind: made(kind).fit(rows[:400]).calibrate(rows[400:]) for kind in DETECTORS}


@pytest.mark.parametrize("kind", DETECTORS)
def test_the_graph_says_what_the_detector_says(kind: DetectorKind, trained: dict[DetectorKind, Detector]) -> None:
    detector = trained[kind]
    windows = windows_of(with_fault(usual(300, seed=5), 150, 220, 1, 0.5), detector.window_rows)
    score, share = detector.score(windows)
    session = Session(detector.export()[0])
    graph_score, graph_share = session.score(windows)
    # A fault far away leaves few digits of a float32 that went through squares.
    assert np.allclose(np.log(graph_score), np.log(score), atol=5e-3)
    assert np.allclose(graph_share, share, atol=5e-3)
    assert np.allclose(share.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("kind", DETECTORS)
def test_usual_rows_score_about_one_and_a_fault_far_more(
    kind: DetectorKind, trained: dict[DetectorKind, Detector]
) -> None:
    detector = trained[kind]
    rows = with_fault(usual(600, seed=1), 400, 600, 1, 1.0)  # Ten times the usual swing of the pressure.
    score, share = detector.score(windows_of(rows, detector.window_rows))
    assert 0.5 < float(np.median(score[100:400])) < 2
    assert float(np.median(score[450:])) > 1.5 * float(np.median(score[100:400]))
    assert int(np.median(share[450:].argmax(axis=1))) == 1


@pytest.mark.parametrize("kind", DETECTORS)
@pytest.mark.parametrize("kept", [1, 63, 64, 65, 130])
def test_rows_that_follow_change_no_earlier_score(
    kind: DetectorKind, kept: int, trained: dict[DetectorKind, Detector]
) -> None:
    session = Session(trained[kind].export()[0])
    rows = usual(200, seed=3)
    whole, _ = session.score(windows_of(rows, session.window_rows))
    cut, _ = session.score(windows_of(rows[:kept], session.window_rows))
    assert whole[:kept].tolist() == cut.tolist()  # To the last bit.


@pytest.mark.parametrize("kind", DETECTORS)
def test_too_few_rows_are_refused_with_what_is_needed(kind: DetectorKind) -> None:
    with pytest.raises(InvalidInputError, match="too few to learn"):
        made(kind).fit(usual(10))


def test_rows_without_numbers_are_refused_by_place() -> None:
    rows = usual(400)
    rows[17, 2] = np.nan
    with pytest.raises(InvalidInputError, match="Row 17 has no number in signal 2"):
        DETECTORS[DetectorKind.PCA]().fit(rows)


def test_a_signal_that_never_moved_does_not_blow_a_score_up() -> None:
    rows = usual(600)
    rows[:, 3] = 5.0
    detector = DETECTORS[DetectorKind.ENSEMBLE]().fit(rows[:400]).calibrate(rows[400:])
    score, _ = detector.score(windows_of(rows, detector.window_rows))
    assert np.isfinite(score).all()
    assert float(np.median(score[400:])) < 2


def test_the_gradients_of_the_autoencoder_are_those_of_finite_differences() -> None:
    detector = LstmAutoencoder(window_rows=5, cells=3, epochs=1)
    detector.fit(usual(200))
    windows = np.random.default_rng(2).random((7, 5, 4))
    _, gradients = detector.gradients(windows)
    step = 1e-6
    for layer, gradient in zip(detector._layers, gradients, strict=True):
        for key, weights in layer.items():
            place = tuple(size // 2 for size in weights.shape)
            was = weights[place]
            weights[place] = was + step
            above, _ = detector.gradients(windows)
            weights[place] = was - step
            below, _ = detector.gradients(windows)
            weights[place] = was
            assert gradient[key][place] == pytest.approx((above - below) / (2 * step), rel=1e-3, abs=1e-7)


def test_the_autoencoder_learns_and_can_be_stopped() -> None:
    told: list[int] = []

    def goes_on(epoch: int, loss: float) -> bool:
        told.append(epoch)
        return epoch < 3

    detector = LstmAutoencoder(window_rows=10, cells=8, epochs=50, progress=goes_on)
    detector.fit(usual(400))
    assert told == [0, 1, 2, 3]
    assert detector.losses[-1] < detector.losses[0]


def test_every_kind_that_can_be_trained_is_a_detector() -> None:
    assert set(DETECTORS) == set(DetectorKind) - {DetectorKind.FOREIGN}
    assert issubclass(LstmAutoencoder, WindowDetector)
