//! Each fault with its place.

use super::*;

fn faults(text: &str) -> Vec<String> {
    read(text).1
}

#[test]
fn a_header_that_says_too_little() {
    assert_eq!(faults(""), ["the file is empty; a header is expected"]);
    assert_eq!(
        faults("1700000000,100\n"),
        ["1: the header has no `time`: `1700000000`, `100`"]
    );
    assert_eq!(
        faults("time;current\n1;2\n"),
        ["1: the header has no `time`: `time;current`"]
    );
    assert_eq!(
        faults("time,file\n1,2\n"),
        ["1: the header has neither `current` nor `anon`: `time`, `file`"]
    );
    assert_eq!(faults("time,current,\n1,2,\n"), [""; 0]);
    assert_eq!(
        faults("time,current,anon,current\n"),
        ["1:19: column `current` is there twice"]
    );
}

#[test]
fn cells_that_are_none_are_all_told_with_line_and_column() {
    let text = "time,current,high\n1,2,3\nx,-1,none\n4,5\n4,5,6,7\n5,1.2.3,8\n6,7,8\n";
    assert_eq!(
        faults(text),
        [
            "3:1: time: `x` is not seconds since 1970 or a time as RFC 3339 has it",
            "3:3: current: `-1` is not a number of bytes, or nothing if unknown",
            "3:6: high: `none` is not a number of bytes, infinity, or nothing if unknown",
            "4: 2 cells here, and 3 cells in the header",
            "5: 4 cells here, and 3 cells in the header",
            "6:3: current: `1.2.3` is not a number of bytes, or nothing if unknown",
        ]
    );
    assert_eq!(read(text).0.len(), 2);
    assert_eq!(
        faults("time,current,cpu_usec\n1,2,x\n"),
        ["2:5: cpu_usec: `x` is not microseconds, or nothing if unknown"]
    );
}

#[test]
fn a_line_tells_all_its_faults_at_once() {
    assert_eq!(
        faults("time,current\n1000,5\n900,x\n950,7\n1001,6\n"),
        [
            "3:5: current: `x` is not a number of bytes, or nothing if unknown",
            "3:1: time goes back: 900 after 1000",
            "4:1: time goes back: 950 after 1000",
        ]
    );
}

#[test]
fn lines_are_counted_as_editors_do() {
    let expected = [
        "4:3: current: `x` is not a number of bytes, or nothing if unknown",
        "5:3: current: `y` is not a number of bytes, or nothing if unknown",
        "7:3: current: `z` is not a number of bytes, or nothing if unknown",
    ];
    let text = "time,current\n\n\n1,x\n2,y\n\n3,z";
    for text in [text.to_owned(), format!("{text}\n")] {
        assert_eq!(faults(&text), expected);
        assert_eq!(faults(&text.replace('\n', "\r\n")), expected);
    }
}

#[test]
fn time_must_not_go_back_and_may_stand_still() {
    let text = "current,time\n1,100\n1,100\n1,99.5\n1,100\n1,50\n1,5000000\n";
    assert_eq!(
        faults(text),
        [
            "4:3: time goes back: 99.5 after 100",
            "6:3: time goes back: 50 after 100"
        ]
    );
}

#[test]
fn faults_beyond_the_first_ones_are_counted() {
    let text = format!("time,current\n{}", "x,1\n".repeat(50));
    let played = play(text.as_bytes(), &[], &host());
    assert_eq!((played.faults.told.len(), played.faults.more), (20, 30));
}

#[test]
fn nothing_is_told_of_a_trace_with_faults() {
    let given = given("rules = [{ above = \"1M\", action = \"alert\" }]");
    let good = minutes([10, 20]);
    assert_eq!(told(&good, &given), ["0 fired above"]);
    let bad = format!("{good}x,1,1\n");
    let played = play(bad.as_bytes(), &[given], &host());
    assert_eq!(played.lines, []);
    assert_eq!(played.faults.told[0].line, 4);
}

#[test]
fn a_file_that_ends_in_an_error_is_a_fault() {
    struct Broken(bool);
    impl std::io::Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let text = b"time,current\n1,2\n";
            if std::mem::replace(&mut self.0, true) {
                return Err(std::io::ErrorKind::PermissionDenied.into());
            }
            buffer[..text.len()].copy_from_slice(text);
            Ok(text.len())
        }
    }
    let played = play(Broken(false), &[], &host());
    let told = played.faults.told[0].to_string();
    assert!(told.contains("cannot be read"), "{told}");
}

#[test]
fn columns_that_are_not_known_are_named() {
    let played = play(
        "time,current,cpu_usage,\n1,2,x,y\n".as_bytes(),
        &[],
        &host(),
    );
    let unknown: Vec<_> = played.unknown.iter().map(String::as_str).collect();
    assert_eq!(unknown, ["cpu_usage"]);
    assert_eq!(played.readings, 1);
}
