//! The few things that are asked of QEMU itself, in its machine protocol.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// Runs one command of the machine protocol over the socket and gives its answer.
pub fn execute(socket: &Path, command: &str, arguments: &Value) -> Result<Value> {
    let context = || format!("cannot ask QEMU for {command}");
    let mut stream = UnixStream::connect(socket).with_context(context)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    for (name, arguments) in [("qmp_capabilities", &json!({})), (command, arguments)] {
        let request = json!({ "execute": name, "arguments": arguments });
        writeln!(stream, "{request}").with_context(context)?;
        let answer = loop {
            let line = lines
                .next()
                .context("QEMU hung up")?
                .with_context(context)?;
            let message: Value = serde_json::from_str(&line).with_context(context)?;
            if let Some(error) = message.get("error") {
                bail!("QEMU refuses {name}: {error}");
            }
            // What is neither is its greeting, or an event.
            if let Some(answer) = message.get("return") {
                break answer.clone();
            }
        };
        if name == command {
            return Ok(answer);
        }
    }
    unreachable!("the last command of the list returns")
}
