//! The t quantile that turns a spread between slices into a 95 % interval. Pure.

/// The 97.5 % quantile of the normal distribution.
const NORMAL: f64 = 1.959_963_984_540_054;

/// The 97.5 % quantile of Student's t with `df` degrees of freedom: the factor of a two-sided 95 % interval.
///
/// Cornish-Fisher expansion, Abramowitz & Stegun, "Handbook of Mathematical Functions", 26.7.5, four terms. Right to
/// 0.00002 for the `df >= 9` that the verdicts use; below 5 the expansion is no longer good.
pub(super) fn t_975(df: usize) -> f64 {
    debug_assert!(df >= 5, "the expansion is not good for {df} degrees of freedom");
    let (x, n) = (NORMAL, df as f64);
    let x2 = x * x;
    let g1 = x * (x2 + 1.0) / 4.0;
    let g2 = x * ((5.0 * x2 + 16.0) * x2 + 3.0) / 96.0;
    let g3 = x * (((3.0 * x2 + 19.0) * x2 + 17.0) * x2 - 15.0) / 384.0;
    let g4 = x * ((((79.0 * x2 + 776.0) * x2 + 1482.0) * x2 - 1920.0) * x2 - 945.0) / 92_160.0;
    x + (g1 + (g2 + (g3 + g4 / n) / n) / n) / n
}

#[cfg(test)]
mod tests {
    use super::t_975;

    #[test]
    fn the_quantiles_are_those_of_the_printed_tables() {
        for (df, t) in
            [(9, 2.262_157), (10, 2.228_139), (14, 2.144_787), (19, 2.093_024), (29, 2.045_230), (120, 1.979_930)]
        {
            assert!((t_975(df) - t).abs() < 2e-5, "{df} degrees of freedom: {} instead of {t}", t_975(df));
        }
    }
}
