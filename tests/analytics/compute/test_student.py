"""Student's t in plain Python, against SciPy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtr, stdtrit

from optimizer_app.common.student import t_cdf, t_quantile


@given(st.floats(-60, 60), st.floats(1, 5000))
def test_the_distribution_is_scipys(t: float, df: float) -> None:
    assert t_cdf(t, df) == pytest.approx(float(stdtr(df, t)), rel=1e-9, abs=1e-290)


@given(st.floats(0.0005, 0.9995), st.integers(1, 5000))
def test_the_quantile_is_scipys(p: float, df: int) -> None:
    assert t_quantile(p, df) == pytest.approx(float(stdtrit(df, p)), rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("p", [0.0, 1.0, -1.0])
def test_there_is_no_quantile_outside(p: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        t_quantile(p, 5)
