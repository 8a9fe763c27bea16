//! The few statistics that are reported.

/// The middle value; of an even number, the mean of the two in the middle. Without values, NaN.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match (values.len(), values.len() / 2) {
        (0, _) => f64::NAN,
        (len, middle) if len % 2 == 0 => (values[middle - 1] + values[middle]) / 2.0,
        (_, middle) => values[middle],
    }
}

/// The geometric mean. Without values, NaN.
pub fn geometric_mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value.ln();
        count += 1.0;
    }
    (sum / count).exp()
}

/// The median of the ratios of samples taken in the same round. Rounds that lack either do not count.
pub fn paired_ratio(ours: &[Option<f64>], theirs: &[Option<f64>]) -> Option<f64> {
    let ratios: Vec<f64> = ours.iter().zip(theirs).filter_map(|(a, b)| Some((*a)? / (*b)?)).collect();
    (!ratios.is_empty()).then(|| median(ratios))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }

    #[test]
    fn means() {
        assert!((geometric_mean([1.0, 4.0]) - 2.0).abs() < 1e-12);
        assert!(geometric_mean([]).is_nan());
    }

    #[test]
    fn ratios_pair_rounds() {
        let ratio = paired_ratio(&[Some(2.0), None, Some(9.0)], &[Some(1.0), Some(1.0), Some(3.0)]);
        assert_eq!(ratio, Some(2.5));
        assert_eq!(paired_ratio(&[None], &[Some(1.0)]), None);
    }
}
