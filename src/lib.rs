//! memctl: memory profiles for systemd services.
//!
//! ```text
//! down:  profile.toml → profile → limits → apply → systemd (reload → generator → drop-ins) → kernel
//! up:    kernel → readings → sample → watch → policy → restart → systemd
//!                                   ↘ history → recommend     ↘ journal
//!                                   ↘ status, doctor, exporter → view
//! ```
//!
//! `policy` and `restart` are pure machines: what is seen and what the time is comes in, what is to be told and done goes
//! out. `watch::agent` carries it out; `state` is what must not be lost meanwhile.

pub mod apply;
pub mod cli;
pub mod command;
pub mod config;
pub mod doctor;
pub mod error;
pub mod exporter;
pub mod generator;
pub mod history;
pub mod journal;
pub mod kernel;
pub mod limits;
pub mod policy;
pub mod profile;
pub mod profiles;
pub mod readings;
pub mod recommend;
pub mod replay;
pub mod restart;
pub mod sample;
pub mod scope;
pub mod signals;
pub mod state;
pub mod status;
pub mod systemd;
pub mod units;
pub mod view;
pub mod watch;
pub mod watched;
