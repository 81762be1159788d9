//! What can still be read of a profile with syntax errors.
//!
//! At boot a typo in a rule must not cost a limit; and a limit must never be hung on a unit that it was not
//! written for, which is what a TOML parser does that steps over a broken header. So the text is taken
//! apart before it is parsed: sections begin at lines with a `[`, statements at lines with `KEY =`, and each
//! is parsed alone. What does not parse is blanked, keeping every position; where a line may have been
//! meant as a header, everything up to the next real one is. All of it is linear in the text.

mod line;
mod words;

use std::ops::Range;

use super::fault::{Concerns, Fault};
use super::raw::{self, SyntaxError, Table};
use line::{hides_header, is_header, lines, may_be_header, statement_key, statement_length};
use words::fault;

/// More faults than this tell nothing new: the file is something else.
const MOST_FAULTS: usize = 20;

/// How often duplicates are taken out before the file is given up.
const ROUNDS: usize = 4;

/// Reads a text as far as it can be trusted: the tree, and every syntax fault.
pub(super) fn read(text: &str) -> (Table, Vec<Fault>) {
    let (table, errors) = raw::parse(text);
    if errors.is_empty() {
        return (table, Vec::new());
    }
    // Where a string may span lines, no line can be told from a string's inside.
    if text.contains("\"\"\"") || text.contains("'''") {
        let faults = errors.iter().take(1).map(|e| fault(text, e).note(
            "nothing of the file is used: with multi-line strings in it, one fault may change what every other line is",
        ));
        return (Table::default(), faults.collect());
    }
    let mut salvage = Salvage::new(text);
    salvage.take_apart();
    for _ in 0..ROUNDS {
        let clean = salvage.clean();
        let (table, errors) = raw::parse(&clean);
        if errors.is_empty() {
            return (table, salvage.finish());
        }
        salvage.drop_duplicates(errors);
    }
    (Table::default(), salvage.finish())
}

/// A piece that is kept or blanked as a whole.
struct Piece {
    at: Range<usize>,
    /// A header carries its section.
    header: bool,
}

struct Salvage<'t> {
    text: &'t str,
    /// In order, without overlap.
    pieces: Vec<Piece>,
    /// In bytes; may overlap.
    blanked: Vec<Range<usize>>,
    faults: Vec<Fault>,
}

impl<'t> Salvage<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            pieces: Vec::new(),
            blanked: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Finds sections and statements, and blanks those that do not parse.
    fn take_apart(&mut self) {
        let lines = lines(self.text);
        let mut start = 0;
        while start < lines.len() {
            let next = (start + 1..lines.len())
                .find(|n| is_header(&self.text[lines[*n].clone()]))
                .unwrap_or(lines.len());
            self.section(&lines[start..next]);
            start = next;
        }
    }

    /// One section: its header, unless it is the beginning of the file, and its statements.
    fn section(&mut self, lines: &[Range<usize>]) {
        let text = self.text;
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
            return;
        };
        let end = last.end;
        let mut at = 0;
        if is_header(&text[first.clone()]) {
            at = 1;
            if let Some(error) = self.error_in(first.clone()) {
                let fault = fault(text, &error);
                self.leave_out(fault, first.start..end, lines.len() > 1);
                return;
            }
            self.pieces.push(Piece {
                at: first.clone(),
                header: true,
            });
        }
        while at < lines.len() {
            let line = &text[lines[at].clone()];
            let bare = line.trim();
            if bare.is_empty() || bare.starts_with('#') {
                if hides_header(line) {
                    let fault = Fault::warning(
                        lines[at].clone(),
                        Concerns::File,
                        "this may have been a header",
                    )
                    .label("a comment");
                    self.leave_out(fault, lines[at].start..end, true);
                    return;
                }
                at += 1;
                continue;
            }
            if statement_key(line).is_none() && may_be_header(bare) {
                let error = self.error_in(lines[at].clone());
                let fault = match &error {
                    Some(error) => fault(text, error),
                    None => Fault::error(
                        lines[at].clone(),
                        Concerns::File,
                        "this is neither a header nor a setting",
                    ),
                };
                self.leave_out(fault, lines[at].start..end, at + 1 < lines.len());
                return;
            }
            let length = statement_length(text, &lines[at..]);
            let place = lines[at].start..lines[at + length - 1].end;
            match self.error_in(place.clone()) {
                Some(error) => {
                    self.faults.push(fault(text, &error));
                    self.blanked.push(place.clone());
                }
                None => self.pieces.push(Piece {
                    at: place.clone(),
                    header: false,
                }),
            }
            at += length;
            if hides_header(&text[place.clone()]) && at < lines.len() {
                let fault =
                    Fault::warning(place, Concerns::File, "a header may be hidden in this line");
                self.leave_out(fault, lines[at].start..end, true);
                return;
            }
        }
    }

    /// The first thing that is wrong with a part of the text on its own.
    fn error_in(&self, place: Range<usize>) -> Option<SyntaxError> {
        let (_, errors) = raw::parse(&self.text[place.clone()]);
        let first = errors.into_iter().min_by_key(|e| e.at.start)?;
        let bound = |n: usize| (place.start + n).min(place.end);
        Some(SyntaxError {
            at: bound(first.at.start)..bound(first.at.end),
            ..first
        })
    }

    /// Blanks lines that may belong to another unit.
    fn leave_out(&mut self, fault: Fault, place: Range<usize>, more: bool) {
        self.faults.push(if more {
            fault.note("the lines from here to the next header are left out: whose they are is not certain")
        } else {
            fault
        });
        self.blanked.push(place);
    }

    /// What stands twice was written once too often: the first counts.
    fn drop_duplicates(&mut self, mut errors: Vec<SyntaxError>) {
        errors.sort_by_key(|error| error.at.start);
        let mut dropped = 0;
        for error in &errors {
            // What a dropped section repeats goes with it.
            if error.at.start >= dropped {
                dropped = self.drop_duplicate(error);
            }
        }
    }

    /// Blanks a statement or a section; the end of what was blanked.
    fn drop_duplicate(&mut self, error: &SyntaxError) -> usize {
        self.faults.push(fault(self.text, error));
        let after = self
            .pieces
            .partition_point(|piece| piece.at.start <= error.at.start);
        let Some(index) = after.checked_sub(1) else {
            return 0;
        };
        let piece = &self.pieces[index];
        let end = match piece.header {
            true => self.pieces[after..]
                .iter()
                .find(|piece| piece.header)
                .map_or(self.text.len(), |piece| piece.at.start),
            false => piece.at.end,
        };
        self.blanked.push(piece.at.start..end);
        end
    }

    /// The text with spaces for everything blanked.
    fn clean(&self) -> String {
        let mut bytes = self.text.as_bytes().to_vec();
        for place in &self.blanked {
            for byte in &mut bytes[place.clone()] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
        // Places begin and end at lines: no character was cut.
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn finish(self) -> Vec<Fault> {
        let mut faults = self.faults;
        faults.sort_by_key(|fault| fault.at.start);
        faults.dedup_by(|a, b| a.at == b.at && a.message == b.message);
        let more = faults.len().saturating_sub(MOST_FAULTS);
        faults.truncate(MOST_FAULTS);
        match faults.pop() {
            Some(last) if more > 0 => {
                faults.push(last.note(format!("and {more} more places that are no TOML")));
            }
            Some(last) => faults.push(last),
            None => {}
        }
        faults
    }
}

#[cfg(test)]
mod tests;
