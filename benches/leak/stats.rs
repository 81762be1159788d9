//! Quantiles and intervals.

/// The value below which a part of the values lies, interpolated; NaN of none.
pub fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let at = part * last as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

/// The exact 95 % interval of a Poisson mean of which so many were counted (Garwood).
pub fn poisson(count: usize) -> (f64, f64) {
    let low = match count.checked_sub(1) {
        // The mean at which so many or more are seen in 2.5 % of the cases.
        Some(fewer) => solve(|mean| poisson_below(fewer, mean) > 0.975, count as f64),
        None => 0.0,
    };
    let high = solve(|mean| poisson_below(count, mean) > 0.025, count as f64);
    (low, high)
}

/// The chance of so many or fewer.
fn poisson_below(count: usize, mean: f64) -> f64 {
    let mut term = -mean;
    let mut sum = term.exp();
    for k in 1..=count {
        term += (mean / k as f64).ln();
        sum += term.exp();
    }
    sum
}

/// The exact 95 % interval of a share of which so many of so many were counted (Clopper and Pearson).
pub fn binomial(count: usize, of: usize) -> (f64, f64) {
    let low = match count.checked_sub(1) {
        Some(fewer) => solve_share(|share| binomial_below(fewer, of, share) > 0.975),
        None => 0.0,
    };
    let high = if count == of {
        1.0
    } else {
        solve_share(|share| binomial_below(count, of, share) > 0.025)
    };
    (low, high)
}

/// The chance of so many or fewer of so many.
fn binomial_below(count: usize, of: usize, share: f64) -> f64 {
    let odds = (share / (1.0 - share)).ln();
    let mut term = of as f64 * (1.0 - share).ln();
    let mut sum = term.exp();
    for k in 1..=count {
        term += odds + ((of - k + 1) as f64 / k as f64).ln();
        sum += term.exp();
    }
    sum
}

fn solve_share(holds: impl Fn(f64) -> bool) -> f64 {
    between(holds, 0.0, 1.0)
}

/// Where a condition that holds for small means ceases to.
fn solve(holds: impl Fn(f64) -> bool, near: f64) -> f64 {
    between(holds, 0.0, 2.0 * near + 10.0)
}

fn between(holds: impl Fn(f64) -> bool, mut low: f64, mut high: f64) -> f64 {
    for _ in 0..60 {
        let half = (low + high) / 2.0;
        if holds(half) {
            low = half;
        } else {
            high = half;
        }
    }
    low
}
