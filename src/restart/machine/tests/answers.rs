//! What PID 1 answers, and whose doing it was.

use super::*;

#[test]
fn what_pid_1_answers_and_what_is_true_then() {
    let job = |result: &str| Answer::Job(result.to_owned());
    let unknown = || Answer::Unknown("memctl was ended meanwhile".to_owned());
    let refused = || Answer::Refused("the bus said no".to_owned());
    let runs = || running();
    let dead = |invocation| look("inactive", "dead", "success", invocation);
    let failed = |result, invocation| look("failed", "failed", result, invocation);
    let mut queued = running();
    queued.job = true;
    let mut stopping = running();
    stopping.system = "stopping".to_owned();
    let mut stopped = dead(OLD);
    stopped.system = "stopping".to_owned();
    let (restart, reload) = (Deed::Restart, Deed::Reload);
    let rows: Vec<(Deed, Answer, Look, String)> = vec![
        // Stopped by hand between the decision and the call.
        (
            restart,
            Answer::Done,
            dead(OLD),
            w("overtaken", "it was stopped meanwhile, and stays stopped"),
        ),
        (
            restart,
            Answer::Done,
            failed("oom-kill", OLD),
            w("overtaken", "it had failed by itself (oom-kill)"),
        ),
        (
            restart,
            Answer::Done,
            runs(),
            w(
                "overtaken",
                "PID 1 had nothing to do, and it runs as before",
            ),
        ),
        (
            restart,
            job("canceled"),
            dead(OLD),
            w("overtaken", "it was stopped meanwhile, and stays stopped"),
        ),
        (
            restart,
            job("canceled"),
            dead(NEW),
            w("overtaken", "it was stopped meanwhile, and stays stopped"),
        ),
        (
            restart,
            job("canceled"),
            runs(),
            w(
                "overtaken",
                "the job ended with `canceled`, and it runs as before",
            ),
        ),
        (
            restart,
            refused(),
            queued,
            w(
                "job-queued",
                "a job of somebody else came first, and is not disturbed",
            ),
        ),
        (
            restart,
            refused(),
            stopping,
            w("shutdown", "the system is being shut down"),
        ),
        (
            restart,
            refused(),
            dead(OLD),
            w("overtaken", "it was stopped meanwhile, and stays stopped"),
        ),
        (
            restart,
            job("canceled"),
            stopped,
            w("shutdown", "the system is being shut down"),
        ),
        // It failed.
        (
            restart,
            job("failed"),
            failed("start-limit-hit", OLD),
            f(
                "start-limit-hit",
                "the job ended with `failed`; it is failed (failed, start-limit-hit)",
            ),
        ),
        (
            restart,
            Answer::Done,
            failed("exit-code", NEW),
            f(
                "exit-code",
                "it was started anew and did not stay alive; it is failed (failed, exit-code)",
            ),
        ),
        (
            restart,
            Answer::Done,
            dead(NEW),
            f(
                "inactive",
                "it was started anew and did not stay alive; it is inactive (dead)",
            ),
        ),
        (
            restart,
            job("timeout"),
            failed("timeout", NEW),
            f(
                "timeout",
                "the job ended with `timeout`; it is failed (failed, timeout)",
            ),
        ),
        (
            restart,
            job("dependency"),
            dead(OLD),
            f(
                "dependency",
                "the job ended with `dependency`; it is inactive (dead)",
            ),
        ),
        (
            restart,
            refused(),
            runs(),
            f("refused", "PID 1 refused it: the bus said no"),
        ),
        // Nobody knows, and it shows.
        (
            restart,
            unknown(),
            runs(),
            w(
                "interrupted",
                "memctl was ended meanwhile, and it runs as before; that is not made up for",
            ),
        ),
        (
            restart,
            unknown(),
            dead(OLD),
            w("overtaken", "it was stopped meanwhile, and stays stopped"),
        ),
        (
            restart,
            unknown(),
            failed("start-limit-hit", OLD),
            f(
                "start-limit-hit",
                "what PID 1 did is not known: memctl was ended meanwhile; it is failed (failed, start-limit-hit)",
            ),
        ),
        (
            reload,
            unknown(),
            runs(),
            r(
                "interrupted",
                "whether it was, nobody knows (memctl was ended meanwhile), and it is not repeated",
            ),
        ),
        // A reload.
        (
            reload,
            Answer::Done,
            restarted(),
            r("overtaken", "it was started anew meanwhile"),
        ),
        (
            reload,
            job("failed"),
            runs(),
            g(
                "failed",
                "the job ended with `failed`; it is active (running)",
            ),
        ),
        (
            reload,
            Answer::Done,
            failed("signal", OLD),
            g(
                "signal",
                "it did not survive that; it is failed (failed, signal)",
            ),
        ),
        (
            reload,
            job("canceled"),
            dead(OLD),
            r("overtaken", "it was stopped meanwhile, and stays stopped"),
        ),
    ];
    for (deed, answer, look, told) in rows {
        let what = format!("{deed:?}, {answer:?}, {look:?}");
        let mut walk = Walk::asked(deed);
        walk.answer(answer);
        let lines = walk.look(look);
        assert_eq!(lines.first(), Some(&told), "{what}");
        assert_eq!(lines.last().map(String::as_str), Some("end"), "{what}");
        let failed = told.starts_with("Failed") || told.contains("nobody knows");
        assert_eq!(
            lines.contains(&"count".to_owned()),
            failed,
            "what was done counts: {what}"
        );
        assert_eq!(lines.len(), if failed { 3 } else { 2 }, "{what}");
    }

    fn w(why: &str, text: &str) -> String {
        format!("Withheld [{why}]: web.service is not restarted: {text}")
    }
    fn r(why: &str, text: &str) -> String {
        format!("Withheld [{why}]: web.service is not reloaded: {text}")
    }
    fn f(why: &str, text: &str) -> String {
        format!("Failed [{why}]: restarting web.service failed: {text}; {WHY}")
    }
    fn g(why: &str, text: &str) -> String {
        format!("Failed [{why}]: reloading web.service failed: {text}; {WHY}")
    }
}
