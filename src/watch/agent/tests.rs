//! The agent on a host of its own: folders, a model of PID 1, a journal, and a clock that the test turns.

mod acts;
mod again;
mod alerts;
mod forbidden;
mod host;
mod killed;
mod pid1;
mod profiles;
mod trends;

use host::Host;
use pid1::{M, unit};
