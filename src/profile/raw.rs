//! TOML with positions: the tree that the checks walk, in the order of the file.
//!
//! The parser goes on after a fault, but what it makes of the rest may stand in the wrong table; so after
//! the first syntax error `salvage` decides what of the text is read at all.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub at: Range<usize>,
    pub value: Raw,
}

/// A TOML value; numbers as they were written.
#[derive(Debug, Clone)]
pub(super) enum Raw {
    Text(String),
    Integer(String),
    Float(String),
    Boolean(bool),
    Datetime,
    Array(Vec<Node>),
    Table(Table),
}

/// A table in the order of the file.
#[derive(Debug, Clone, Default)]
pub(super) struct Table(pub Vec<Entry>);

/// A key with its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub key: String,
    pub key_at: Range<usize>,
    pub node: Node,
}

/// What the TOML parser has against a text.
#[derive(Debug, Clone)]
pub(super) struct SyntaxError {
    pub at: Range<usize>,
    pub message: String,
}

/// Parses the text; the tree is only to be trusted when there is no error.
pub(super) fn parse(text: &str) -> (Table, Vec<SyntaxError>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let errors = errors
        .into_iter()
        .map(|e| SyntaxError {
            // The parser is silent about the place of what nests too deep.
            at: e.span().unwrap_or(0..0),
            message: e.message().to_owned(),
        })
        .collect();
    (convert_table(table.into_inner()), errors)
}

impl Node {
    /// What the value is, for a message.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Raw::Text(_) => "text",
            Raw::Integer(_) => "a number",
            Raw::Float(_) => "a decimal number",
            Raw::Boolean(_) => "a boolean",
            Raw::Datetime => "a date or time",
            Raw::Array(_) => "a list",
            Raw::Table(_) => "a table",
        }
    }
}

// The depth is bounded: the parser refuses to nest deeper than 80 levels.
fn convert_table(table: DeTable<'_>) -> Table {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| Entry {
            key_at: key.span(),
            key: key.into_inner().into_owned(),
            node: convert(value.span(), value.into_inner()),
        })
        .collect();
    // The parser's map is sorted by name.
    entries.sort_by_key(|entry| entry.key_at.start);
    Table(entries)
}

fn convert(at: Range<usize>, value: DeValue<'_>) -> Node {
    let value = match value {
        DeValue::String(text) => Raw::Text(text.into_owned()),
        DeValue::Integer(n) => Raw::Integer(n.to_string()),
        DeValue::Float(n) => Raw::Float(n.to_string()),
        DeValue::Boolean(b) => Raw::Boolean(b),
        DeValue::Datetime(_) => Raw::Datetime,
        DeValue::Array(items) => Raw::Array(
            items
                .into_iter()
                .map(|item| convert(item.span(), item.into_inner()))
                .collect(),
        ),
        DeValue::Table(table) => Raw::Table(convert_table(table)),
    };
    Node { at, value }
}
