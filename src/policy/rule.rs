//! One rule.
