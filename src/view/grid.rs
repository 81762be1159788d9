//! Columns of text that fit into a width: what matters least gives way first.

/// How a text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// It does not.
    #[default]
    Plain,
    /// Something is wrong.
    Alarm,
    /// Something may become wrong.
    Caution,
    /// Not of much interest.
    Faint,
}

impl Style {
    /// A text in this style on a terminal.
    #[must_use]
    pub fn paint(self, text: &str, colour: bool) -> String {
        let code = match self {
            Self::Alarm => "1;31",
            Self::Caution => "33",
            Self::Faint => "2",
            Self::Plain => "",
        };
        if !colour || code.is_empty() || text.is_empty() {
            return text.to_owned();
        }
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// One cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// What stands in it; printable.
    pub text: String,
    /// How.
    pub style: Style,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        let style = Style::Plain;
        Self { text, style }
    }
}

impl Cell {
    /// A cell in a style.
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        let text = text.into();
        Self { text, style }
    }
}

/// What a column does where there is no room for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Give {
    /// It stays.
    Never,
    /// It goes, the least number first.
    Way(u8),
    /// It loses the middle of its texts, once no other column can go.
    Middle,
    /// It loses the end of its texts, before any other column gives way.
    End,
}

/// One column.
#[derive(Debug, Clone)]
pub struct Column {
    /// What stands above it.
    pub head: &'static str,
    /// Its figures end at one edge.
    pub right: bool,
    /// What it does where there is no room for all.
    pub give: Give,
    /// Its cells, one a row.
    pub cells: Vec<Cell>,
}

/// Between two columns.
const GAP: usize = 2;

/// What is left at least of a column that loses its middle while others could go, and after that.
const ROOMY: usize = 26;
const TIGHT: usize = 12;

/// The columns as lines, the heads first. Without `width` everything has room. Columns in which nothing stands are
/// left out.
#[must_use]
pub fn lines(mut columns: Vec<Column>, width: Option<usize>, colour: bool) -> Vec<String> {
    columns.retain(|column| column.cells.iter().any(|cell| !cell.text.is_empty()));
    let mut widths: Vec<usize> = columns.iter().map(natural).collect();
    if let Some(width) = width {
        narrow(&mut columns, &mut widths, width);
    }
    let rows = columns.first().map_or(0, |column| column.cells.len());
    let mut lines = Vec::with_capacity(rows + 1);
    let heads = columns.iter().map(|c| Cell::new(c.head, Style::Plain));
    lines.push(line(&columns, &widths, heads, colour));
    for row in 0..rows {
        let cells = columns.iter().map(|c| c.cells[row].clone());
        lines.push(line(&columns, &widths, cells, colour));
    }
    lines
}

fn natural(column: &Column) -> usize {
    let cells = column.cells.iter().map(|cell| cell.text.chars().count());
    cells.max().unwrap_or(0).max(column.head.chars().count())
}

fn narrow(columns: &mut Vec<Column>, widths: &mut Vec<usize>, width: usize) {
    let least = |column: &Column, natural: usize, least: usize| match column.give {
        Give::Middle | Give::End => natural.min(least),
        _ => natural,
    };
    loop {
        let gaps = GAP * columns.len().saturating_sub(1);
        let needed: usize = columns
            .iter()
            .zip(&*widths)
            .map(|(c, w)| least(c, *w, ROOMY))
            .sum();
        if needed + gaps <= width {
            break;
        }
        let ways = columns
            .iter()
            .enumerate()
            .filter_map(|(at, column)| match column.give {
                Give::Way(order) => Some((order, at)),
                _ => None,
            });
        let Some((_, at)) = ways.min() else {
            break;
        };
        columns.remove(at);
        widths.remove(at);
    }
    let gaps = GAP * columns.len().saturating_sub(1);
    let over = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
    let soft = columns
        .iter()
        .position(|c| matches!(c.give, Give::Middle | Give::End));
    if let Some(soft) = soft.filter(|_| over > 0) {
        widths[soft] = widths[soft]
            .saturating_sub(over)
            .max(TIGHT.min(widths[soft]));
    }
}

fn line(
    columns: &[Column],
    widths: &[usize],
    cells: impl Iterator<Item = Cell>,
    colour: bool,
) -> String {
    let mut text = String::new();
    // Blanks are written before the next text, so that none are at the end.
    let mut blanks = 0;
    for ((column, width), cell) in columns.iter().zip(widths).zip(cells) {
        let shown = match column.give {
            Give::Middle => without_middle(&cell.text, *width),
            Give::End => without_end(&cell.text, *width),
            _ => cell.text,
        };
        let pad = width.saturating_sub(shown.chars().count());
        if shown.is_empty() {
            blanks += width + GAP;
            continue;
        }
        let (before, after) = if column.right { (pad, 0) } else { (0, pad) };
        text.extend(std::iter::repeat_n(' ', blanks + before));
        text += &cell.style.paint(&shown, colour);
        blanks = after + GAP;
    }
    text
}

fn without_middle(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let head: String = text.chars().take(kept.div_ceil(2)).collect();
    let tail: String = text.chars().skip(count - kept / 2).collect();
    format!("{head}…{tail}")
}

/// The text, cut where it is longer than `most`.
#[must_use]
pub fn without_end(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{head}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn column(head: &'static str, right: bool, give: Give, cells: &[&str]) -> Column {
        Column {
            head,
            right,
            give,
            cells: cells.iter().map(|text| (*text).to_owned().into()).collect(),
        }
    }

    fn table() -> Vec<Column> {
        let long = "a-service-with-a-very-long-name-indeed.service";
        vec![
            column("", false, Give::Never, &["!", ""]),
            column("UNIT", false, Give::Middle, &[long, "b.service"]),
            column("NEED", true, Give::Never, &["100M", "2.5G"]),
            column("NOTHING", true, Give::Never, &["", ""]),
            column("SWAP", true, Give::Way(1), &["0", "–"]),
            column("STATE", false, Give::Way(2), &["active", "failed"]),
        ]
    }

    #[test]
    fn with_room_everything_is_shown_that_says_something() {
        assert_eq!(
            lines(table(), None, false),
            [
                "   UNIT                                            NEED  SWAP  STATE",
                "!  a-service-with-a-very-long-name-indeed.service  100M     0  active",
                "   b.service                                       2.5G     –  failed",
            ]
        );
    }

    #[test]
    fn what_matters_least_gives_way_first() {
        let first = |width| lines(table(), Some(width), false).remove(1);
        let fifty = "!  a-service-with-…indeed.service  100M     0  active";
        assert_eq!(first(53), fifty);
        assert_eq!(first(46), "!  a-service-with…indeed.service  100M  active");
        assert_eq!(first(36), "!  a-service-wit…ndeed.service  100M");
    }

    #[test]
    fn colour_costs_no_width() {
        let mut columns = table();
        columns[2].cells[0].style = Style::Alarm;
        let coloured = lines(columns, Some(60), true);
        assert!(
            coloured[1].contains("\x1b[1;31m100M\x1b[0m"),
            "{coloured:?}"
        );
        let plain = coloured[1].replace("\x1b[1;31m", "").replace("\x1b[0m", "");
        assert_eq!(plain, lines(table(), Some(60), false)[1]);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(width in 36_usize..120) {
            for line in lines(table(), Some(width), false) {
                prop_assert!(line.chars().count() <= width, "{line:?}");
                prop_assert!(!line.ends_with(' '));
            }
        }
    }
}
