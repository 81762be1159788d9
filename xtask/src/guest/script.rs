//! What is run in a guest, and what came of it.

use std::collections::HashMap;
use std::time::Duration;

/// A script to be run in a guest by bash, with `-euo pipefail`.
#[derive(Clone, Debug)]
pub struct Script {
    pub(super) text: String,
    pub(super) timeout: Duration,
    pub(super) stdin: Vec<u8>,
    pub(super) user: Option<String>,
    pub(super) env: HashMap<String, String>,
}

impl Script {
    /// A script run as root, for a minute at most.
    pub fn new(text: impl Into<String>) -> Script {
        Script {
            text: text.into(),
            timeout: Duration::from_secs(60),
            stdin: Vec::new(),
            user: None,
            env: HashMap::new(),
        }
    }

    /// A command with its arguments, none of which bash changes.
    pub fn words(words: &[impl AsRef<str>]) -> Script {
        let quote = |word: &str| format!("'{}'", word.replace('\'', r"'\''"));
        let words: Vec<String> = words.iter().map(|word| quote(word.as_ref())).collect();
        Script::new(words.join(" "))
    }

    /// Kills the script after this time; its status is 137 then.
    pub fn timeout(mut self, limit: Duration) -> Script {
        self.timeout = limit;
        self
    }

    /// What the script reads on standard input.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Script {
        self.stdin = bytes.into();
        self
    }

    /// Runs the script as this user; `admin` is an ordinary one.
    pub fn user(mut self, name: &str) -> Script {
        self.user = Some(name.to_owned());
        self
    }

    /// Adds a variable to the script's environment, which is otherwise fixed.
    pub fn env(mut self, name: &str, value: &str) -> Script {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }
}

impl<T: Into<String>> From<T> for Script {
    fn from(text: T) -> Script {
        Script::new(text)
    }
}

/// What a script did.
#[derive(Clone, Debug)]
pub struct Output {
    /// Exit status; 128 + the signal if one ended it.
    pub status: i32,
    /// Whether its time was up and it was killed.
    pub timed_out: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Standard output as it came, for what is not UTF-8.
    pub raw: Vec<u8>,
}

impl Output {
    /// Whether the script ended with status 0.
    pub fn success(&self) -> bool {
        self.status == 0
    }

    /// The whole of it, for a failed test to show.
    pub fn report(&self, script: &Script) -> String {
        let end = if self.timed_out {
            format!("was killed after {} s", script.timeout.as_secs_f64())
        } else {
            format!("ended with status {}", self.status)
        };
        format!(
            "a script {end}:\n{}\n--- its output:\n{}\n--- its errors:\n{}",
            script.text.trim(),
            self.stdout.trim_end(),
            self.stderr.trim_end()
        )
    }
}
