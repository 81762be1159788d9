//! A course of figures in one line of text.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One bar a figure, from 0 to the largest; `·` where there is none. Empty without any figure.
#[must_use]
pub fn spark(figures: &[Option<u64>]) -> String {
    let Some(most) = figures.iter().flatten().max() else {
        return String::new();
    };
    let bar = |figure: &Option<u64>| match figure {
        None => '·',
        Some(figure) => {
            let eighth = u128::from(*figure) * 8 / u128::from((*most).max(1));
            let at = usize::try_from(eighth).unwrap_or(0).min(BARS.len() - 1);
            BARS[at]
        }
    };
    figures.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_begin_at_nothing() {
        let all = [Some(0), None, Some(50), Some(99), Some(100)];
        assert_eq!(spark(&all), "▁·▅██");
        assert_eq!(spark(&[Some(0), Some(0)]), "▁▁");
        assert_eq!(spark(&[Some(u64::MAX), Some(u64::MAX / 2)]), "█▄");
        assert_eq!(spark(&[None, None]), "");
        assert_eq!(spark(&[]), "");
    }
}
