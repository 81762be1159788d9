//! `examples/`: the alert rules and the dashboard ask for nothing that memctl does not tell. What Prometheus itself
//! says of them, a guest shows.

use std::collections::BTreeSet;
use std::fs;

use memctl::view::metrics::metrics;
use serde_json::Value;

use crate::{repository, whole};

fn read(path: &str) -> String {
    let path = repository().join("examples").join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Words that are no metric's name.
const KEYWORDS: &[&str] = &["and", "or", "unless", "offset", "bool"];
/// Before a list of labels.
const GROUPING: &[&str] = &[
    "by",
    "on",
    "without",
    "ignoring",
    "group_left",
    "group_right",
];
/// What Prometheus tells itself.
const FOREIGN: &[&str] = &["up"];

/// A PromQL expression taken apart, as far as this test needs it.
#[derive(Debug, Default, PartialEq)]
struct Parts {
    /// The names of metrics.
    names: Vec<String>,
    /// What labels must be equal to: `event="high"`.
    equal: Vec<String>,
}

fn parts(expression: &str) -> Parts {
    let mut parts = Parts::default();
    let mut rest = expression;
    let mut grouping = false;
    while let Some(c) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        if c.is_ascii_alphabetic() || c == '_' {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            rest = after;
            // `sum by (unit) (…)` is a call, too.
            let next = after.trim_start();
            let called = ["(", "by ", "without "].iter().any(|c| next.starts_with(c));
            grouping = GROUPING.contains(&word);
            if !grouping && !called && !KEYWORDS.contains(&word) {
                parts.names.push(word.to_owned());
            }
            continue;
        }
        let skipped = match c {
            '{' => {
                let end = rest.find('}').expect("a closing brace");
                let matchers = rest[1..end].split(',').map(str::trim);
                let equal = matchers.filter(|m| m.contains("=\"") && !m.contains("!="));
                parts.equal.extend(equal.map(str::to_owned));
                end + 1
            }
            '[' => rest.find(']').expect("a closing bracket") + 1,
            '(' if grouping => rest.find(')').expect("a closing parenthesis") + 1,
            // A number, or a duration behind `offset`.
            '0'..='9' => rest.find(|c| !is_word(c) && c != '.').unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        grouping &= c.is_whitespace();
        rest = &rest[skipped..];
    }
    parts
}

#[test]
fn expressions_are_taken_apart() {
    let parts = parts(
        "sum by (unit) (rate(memctl_a{event=\"high\", kind!=\"x\", unit=~\"x,y\"}[5m])) > 0.5e3 \
         and on (job, instance) memctl_b offset 1d unless up == 1",
    );
    assert_eq!(parts.names, ["memctl_a", "memctl_b", "up"]);
    assert_eq!(parts.equal, ["event=\"high\""]);
}

/// The names of all families.
fn told(text: &str) -> BTreeSet<&str> {
    let heads = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    heads.filter_map(|head| head.split(' ').next()).collect()
}

#[test]
fn every_family_is_in_the_manual() {
    let (reading, facts) = whole();
    let text = metrics(&reading, &facts);
    let path = repository().join("man/memctl.1");
    let page = fs::read_to_string(&path).expect("a manual page");
    let words: BTreeSet<&str> = page.split([' ', ',', '"', '\n']).collect();
    for name in told(&text) {
        assert!(words.contains(name), "{name} is not in man/memctl.1");
    }
}

fn assert_told(expressions: &[String]) {
    let (reading, facts) = whole();
    let text = metrics(&reading, &facts);
    let told = told(&text);
    for expression in expressions {
        let parts = parts(expression);
        assert!(!parts.names.is_empty(), "{expression}");
        for name in parts.names {
            let known = told.contains(&*name) || FOREIGN.contains(&&*name);
            assert!(known, "nobody tells {name}: {expression}");
        }
        for matcher in parts.equal {
            assert!(text.contains(&matcher), "{matcher}: {expression}");
        }
    }
}

/// The expressions of the rules: on one line, or folded below it.
fn in_rules(text: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut found = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(expression) = line.trim_start().strip_prefix("expr: ") else {
            continue;
        };
        let mut expression = expression.to_owned();
        if expression == ">-" {
            expression.clear();
            while let Some(more) = lines.next_if(|next| indent(next) > indent(line)) {
                expression += more.trim();
                expression.push(' ');
            }
        }
        found.push(expression);
    }
    found
}

#[test]
fn alerts_ask_for_what_is_told() {
    let text = read("prometheus/memctl.rules.yml");
    let expressions = in_rules(&text);
    assert_eq!(expressions.len(), text.matches("- alert: ").count());
    assert_told(&expressions);
    // Every alert says what is wrong, what that means and what to do, and is tested.
    let tests = read("prometheus/memctl.rules.test.yml");
    for alert in text.split("- alert: ").skip(1) {
        let name = alert.lines().next().expect("a name");
        for part in ["severity: ", "summary: ", "description: ", "runbook: "] {
            assert!(alert.contains(part), "{name} has no {part}");
        }
        assert!(
            tests.contains(&format!("alertname: {name}")),
            "{name} is not tested"
        );
    }
}

fn panels(dashboard: &Value) -> &Vec<Value> {
    dashboard["panels"].as_array().expect("panels")
}

#[test]
fn the_dashboard_asks_for_what_is_told() {
    let dashboard: Value = serde_json::from_str(&read("grafana/memctl.json")).expect("JSON");
    let mut expressions = Vec::new();
    for panel in panels(&dashboard) {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        for target in panel["targets"].as_array().expect("targets") {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{target}");
            let expression = target["expr"].as_str().expect("an expression");
            assert!(
                expression.contains("instance=~\"$instance\""),
                "{expression}"
            );
            expressions.push(expression.to_owned());
        }
    }
    assert_told(&expressions);
    let variables = dashboard["templating"]["list"]
        .as_array()
        .expect("variables");
    let names: Vec<_> = variables.iter().map(|v| v["name"].as_str()).collect();
    assert_eq!(names, [Some("datasource"), Some("instance"), Some("unit")]);
    let queries = variables
        .iter()
        .filter_map(|v| v["query"]["query"].as_str());
    let queried: Vec<String> = queries
        .map(|q| q.strip_prefix("label_values(").expect(q).split(", ").next())
        .map(|metric| metric.expect("a metric").to_owned())
        .collect();
    assert_eq!(queried.len(), 2);
    assert_told(&queried);
}

/// Grafana moves panels that overlap, and takes two of one number for one.
#[test]
fn the_panels_have_their_places() {
    let dashboard: Value = serde_json::from_str(&read("grafana/memctl.json")).expect("JSON");
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().expect("a title");
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{title}");
        let at = |name: &str| panel["gridPos"][name].as_u64().expect("a place");
        assert!(at("x") + at("w") <= 24, "{title}");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{title} lies on another");
            }
        }
    }
}
