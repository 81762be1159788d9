//! memctl
