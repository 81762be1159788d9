//! From profiles to limits: what each unit gets, as drop-ins, and what that would change.

pub mod caution;
pub mod dropin;
pub mod effective;
pub mod fit;
pub mod generate;
pub mod key;
pub mod level;
pub mod lowering;
pub mod pending;
pub mod plan;
pub mod scene;
pub mod slices;
pub mod standing;
pub mod totals;
pub mod withhold;
