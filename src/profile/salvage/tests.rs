use super::*;

/// The lines that survive.
fn kept(text: &str) -> Vec<String> {
    let mut salvage = Salvage::new(text);
    salvage.take_apart();
    let clean = salvage.clean();
    assert_eq!(clean.len(), text.len());
    clean
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_broken_header_takes_its_section_along() {
    let text = "[unit.\"a.service\"]\nMemoryMax = \"1G\"\n[unit.\"b.service\"\nMemoryMax = \"2G\"\nCPUQuota = \"5%\"\n[defaults]\n";
    assert_eq!(
        kept(text),
        ["[unit.\"a.service\"]", "MemoryMax = \"1G\"", "[defaults]"]
    );
    for header in [
        "unit.\"b.service\"]",
        "#[unit.\"b.service\"]",
        "# unit.\"b.service\"]",
        "b.service:",
        "{unit.\"b.service\"]",
    ] {
        let text = format!(
            "x = \n[unit.\"a.service\"]\nMemoryMax = \"1G\"\n{header}\nMemoryMax = \"2G\"\n"
        );
        assert_eq!(
            kept(&text),
            ["[unit.\"a.service\"]", "MemoryMax = \"1G\""],
            "{header}"
        );
    }
}

#[test]
fn a_broken_statement_goes_alone() {
    let text = "[unit.\"a.service\"]\nMemoryHigh = 1G\nMemoryMax = \"1G\nTasksMax \"5\"\nrules = [\n { leak = tru },\n]\nCPUQuota = \"5%\"\n";
    assert_eq!(kept(text), ["[unit.\"a.service\"]", "CPUQuota = \"5%\""]);
    let text = "[unit.\"a.service\"]\nrules = [\n { leak = true },\nCPUQuota = \"5%\"\n[x]\n";
    assert_eq!(
        kept(text),
        ["[unit.\"a.service\"]", "CPUQuota = \"5%\"", "[x]"]
    );
}

#[test]
fn a_header_at_the_end_of_a_line_is_seen() {
    let text = "[unit.\"a.service\"]\nMemoryMax = \"1G\" [unit.\"b.service\"]\nCPUQuota = \"5%\"\n";
    assert_eq!(kept(text), ["[unit.\"a.service\"]"]);
    let text =
        "x=\n[unit.\"a.service\"]\nMemoryMax = \"1G\" #[unit.\"b.service\"]\nCPUQuota = \"5%\"\n";
    assert_eq!(
        kept(text),
        [
            "[unit.\"a.service\"]",
            "MemoryMax = \"1G\" #[unit.\"b.service\"]"
        ]
    );
}

#[test]
fn of_two_the_first_counts() {
    let text = "[unit.\"a.service\"]\nMemoryMax = \"1G\"\nMemoryMax = \"2G\"\n[unit.\"a.service\"]\nCPUQuota = \"5%\"\n";
    let (table, faults) = read(text);
    assert_eq!(faults.len(), 2, "{faults:?}");
    let shown = format!("{table:?}");
    assert!(
        shown.contains("1G") && !shown.contains("2G") && !shown.contains("5%"),
        "{shown}"
    );
}
