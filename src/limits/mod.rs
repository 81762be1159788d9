//! From profiles to limits: what each unit gets, as drop-ins, and what that would change.

pub mod caution;
pub mod dropin;
pub mod effective;
pub mod fit;
pub mod generate;
pub mod keep;
pub mod key;
pub mod level;
pub mod plan;
pub mod slices;
pub mod totals;
pub mod withhold;
