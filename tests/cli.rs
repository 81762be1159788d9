//! Transcripts of the verbs, which are documentation too: `tests/cli/*.trycmd`, read by anybody, run by trycmd.
//!
//! `TRYCMD=overwrite cargo test --test cli` writes them anew; read them before you commit them. All of them work on
//! an image (`--root`): what runs on this machine is none of their business.

#[test]
fn transcripts() {
    trycmd::TestCases::new()
        .env("NO_COLOR", "1")
        .env("TZ", "UTC")
        .case("tests/cli/*.trycmd")
        .case("tests/cli/stdin*.toml");
}
