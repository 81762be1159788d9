//! Each thing is told once, and again only after it was gone.

use std::collections::BTreeSet;

/// More than this at a time is counted and not spelt out.
const MOST: usize = 20;

/// What was told and is still so.
#[derive(Debug, Default)]
pub struct Told(BTreeSet<String>);

impl Told {
    /// Of everything that is wrong now: what was not so the last time.
    pub fn news(&mut self, now: Vec<String>) -> Vec<String> {
        let now: BTreeSet<String> = now.into_iter().collect();
        let mut news: Vec<String> = now.difference(&self.0).cloned().collect();
        self.0 = now;
        if news.len() > MOST {
            let more = news.len() - MOST;
            news.truncate(MOST);
            news.push(format!("and {more} more of the kind"));
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_once_and_again_when_it_comes_back() {
        let mut told = Told::default();
        let a = || vec!["a".to_owned()];
        let ab = || vec!["a".to_owned(), "b".to_owned(), "b".to_owned()];
        assert_eq!(told.news(a()), ["a"]);
        assert_eq!(told.news(ab()), ["b"]);
        assert_eq!(told.news(ab()), [""; 0]);
        assert_eq!(told.news(Vec::new()), [""; 0]);
        assert_eq!(told.news(a()), ["a"]);
    }

    #[test]
    fn a_flood_is_counted() {
        let mut told = Told::default();
        let news = told.news((0..50).map(|n| format!("{n:02}")).collect());
        assert_eq!(news.len(), MOST + 1);
        assert_eq!(news[MOST], "and 30 more of the kind");
    }
}
