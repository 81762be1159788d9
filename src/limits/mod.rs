//! From profiles to limits: what each unit gets, as drop-ins, and what that would change.

pub mod key;
