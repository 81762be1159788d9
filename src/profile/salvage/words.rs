//! The TOML parser's errors in an administrator's words.

use super::super::fault::{Concerns, Fault};
use super::super::raw::SyntaxError;
use crate::units::quote;

/// A syntax error in an administrator's words.
pub(super) fn fault(text: &str, error: &SyntaxError) -> Fault {
    let at = error.at.clone();
    let here = text.get(at.clone()).unwrap_or_default();
    let error_at = |message: &str| Fault::error(at.clone(), Concerns::File, message);
    let message = error.message.as_str();
    let quoted = || format!("write it in quotes: \"{}\"", quote(here).trim_matches('`'));
    let is = |start: &str| message.starts_with(start);
    if is("duplicate key") {
        let name = here.trim_matches(['"', '\'']);
        let what = format!("{} stands here for the second time", quote(name));
        return error_at(&what)
            .label("the first one counts")
            .help("join the two, or remove one");
    }
    if is("cannot recurse") || is("recursion limit") {
        return error_at("brackets nested too deep").note("a profile needs four levels at most");
    }
    if is("string values must be quoted") && here.is_empty() {
        return error_at("the value is missing");
    }
    if is("missing opening quote") {
        return error_at("the opening quote is missing");
    }
    if [
        "string values must be quoted",
        "invalid float",
        "invalid boolean",
    ]
    .iter()
    .any(|m| is(m))
    {
        return error_at("text stands in quotes")
            .label("no quotes")
            .help(quoted());
    }
    if is("invalid basic string, expected `\"`") || is("invalid literal string, expected `'`") {
        return error_at("the closing quote is missing").label("the line ends here");
    }
    if is("key with no value") {
        return error_at("a key without a value").label("`= VALUE` is missing");
    }
    if is("unclosed array") {
        return error_at("the list is not closed").label("`]` is missing");
    }
    if is("unclosed inline table") {
        return error_at("the inline table is not closed").label("`}` is missing");
    }
    if is("unclosed table") {
        return error_at("the header is not closed").label("`]` is missing");
    }
    let shown: String = message.chars().flat_map(crate::units::visible).collect();
    error_at("this is not TOML").label(shown)
}
