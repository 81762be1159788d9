use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;

use zbus::Guid;
use zbus::connection::Builder;
use zbus::wire::ObjectPath;

use super::*;
use crate::sample::Limit;
use futures_util::StreamExt as _;
use zbus::MessageStream;

/// What a systemd of the test's own does.
#[derive(Clone, Copy)]
struct Peer {
    /// It hangs up when it has taken so many calls.
    calls: usize,
    /// Jobs end.
    ends_jobs: bool,
}

/// A client over a socket, with a [`Peer`] at the other end.
fn client(peer: Peer) -> Client {
    let (ours, theirs) = UnixStream::pair().expect("two sockets");
    std::thread::spawn(move || runtime().block_on(serve(peer, theirs)));
    let runtime = runtime();
    let built = runtime.block_on(async { Builder::unix_stream(ours).p2p().build().await });
    Client {
        connection: built.expect("connected"),
        runtime,
        peer: "systemd",
        interrupted: Arc::default(),
        subscribed: false,
    }
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

async fn serve(peer: Peer, socket: UnixStream) {
    let builder = Builder::unix_stream(socket).server(Guid::generate()).p2p();
    let bus = builder.build().await.expect("connected");
    // No await between: on this thread nothing is read before there is somebody to take it.
    let mut calls = MessageStream::from(&bus);
    let mut subscribed = false;
    for _ in 0..peer.calls {
        let Some(Ok(call)) = calls.next().await else {
            return;
        };
        let header = call.header();
        let path = |text: &'static str| ObjectPath::try_from(text).expect("a path");
        let answered = match header.member().map(|m| m.as_str()) {
            Some("LoadUnit") => bus.reply(&header, &path("/unit")).await,
            Some("ListUnitsByPatterns") => {
                let (_, patterns): (Vec<String>, Vec<String>) =
                    call.body().deserialize().expect("two lists");
                assert_eq!(patterns, ["*.service", "*.slice"]);
                let unit = |name: &'static str, load| {
                    let (unit, none) = (path("/unit"), path("/"));
                    (
                        name, "A unit", load, "active", "running", "", unit, 0_u32, "", none,
                    )
                };
                let units = vec![unit("web.service", "loaded"), unit("x.timer", "loaded")];
                bus.reply(&header, &units).await
            }
            Some("GetUnit") => match call.body().deserialize::<&str>().expect("a name") {
                "web.service" => bus.reply(&header, &path("/unit")).await,
                _ => {
                    bus.reply_error(&header, NO_SUCH_UNIT, &"Unit not loaded.")
                        .await
                }
            },
            Some("GetAll") => {
                let all = HashMap::from([
                    ("ActiveState", Variant::from("active")),
                    ("ControlGroup", Variant::from("/system.slice/web.service")),
                    (
                        "InvocationID",
                        Variant::from([&[0_u8; 15][..], &[7]].concat()),
                    ),
                    ("MemoryCurrent", Variant::from(4096_u64)),
                    ("MemoryPeak", Variant::from(u64::MAX)),
                    ("MemoryMax", Variant::from(u64::MAX)),
                    ("MemoryHigh", Variant::from(8192_u64)),
                    ("NRestarts", Variant::from(3_u32)),
                ]);
                bus.reply(&header, &all).await
            }
            Some("Get") => bus.reply(&header, &Variant::from(90_000_000_u64)).await,
            Some("Subscribe") if subscribed => {
                let name = "org.freedesktop.systemd1.AlreadySubscribed";
                bus.reply_error(&header, name, &"Client is already subscribed.")
                    .await
            }
            Some("TryRestartUnit") => {
                bus.reply(&header, &path("/job/7")).await.expect("sent");
                let jobs: &[_] = if peer.ends_jobs {
                    &[(6_u32, "/job/6", "failed"), (7, "/job/7", "done")]
                } else {
                    &[]
                };
                for (id, job, result) in jobs {
                    let body = (*id, path(job), "web.service", *result);
                    bus.emit_signal(None::<&str>, MANAGER_PATH, MANAGER, "JobRemoved", &body)
                        .await
                        .expect("sent");
                }
                Ok(())
            }
            _ => bus.reply(&header, &()).await,
        };
        answered.expect("sent");
        subscribed |= header.member().is_some_and(|m| m.as_str() == "Subscribe");
    }
}

fn unit() -> UnitName {
    UnitName::parse("web.service").expect("a name")
}

#[test]
fn figures_come_in_their_own_types_and_of_loaded_units_alone() {
    let mut client = client(Peer {
        calls: 99,
        ends_jobs: true,
    });
    let types = [UnitType::Service, UnitType::Slice];
    let units = client.units(&types).expect("listed");
    assert_eq!(units.len(), 1, "what carries no limits is left out");
    assert_eq!(units[0].name, unit());
    assert_eq!((&*units[0].sub, &*units[0].load), ("running", "loaded"));
    let figures = client.figures(&unit()).expect("an answer").expect("loaded");
    let expected = Figures {
        active: "active".to_owned(),
        cgroup: Some("/system.slice/web.service".to_owned()),
        invocation: Some(Invocation(7)),
        current: Some(4096),
        max: Some(Limit::Infinity),
        high: Some(Limit::Bytes(8192)),
        restarts: Some(3),
        ..Figures::default()
    };
    assert_eq!(figures, expected);
    let gone = UnitName::parse("gone.service").expect("a name");
    assert_eq!(client.figures(&gone).expect("an answer"), None);
}

#[test]
fn two_units_are_restarted_over_one_connection() {
    let mut client = client(Peer {
        calls: 99,
        ends_jobs: true,
    });
    for _ in 0..2 {
        let restarted = client.job(Job::Restart, "web.service");
        assert!(restarted.is_ok(), "{restarted:?}");
    }
}

#[test]
fn a_connection_that_ends_is_lost_at_whatever_call() {
    // LoadUnit, two times Get, Subscribe, TryRestartUnit; then the wait for the job.
    for calls in 1..=5 {
        let mut client = client(Peer {
            calls,
            ends_jobs: false,
        });
        let restarted = client.job(Job::Restart, "web.service");
        assert!(
            matches!(restarted, Err(Failure::Lost(_))),
            "{calls}: {restarted:?}"
        );
        let again = client.reload();
        assert!(matches!(again, Err(Failure::Lost(_))), "{calls}: {again:?}");
    }
}

#[test]
fn ctrl_c_ends_the_wait_for_a_job() {
    let mut client = client(Peer {
        calls: 99,
        ends_jobs: false,
    });
    client.interrupted.store(true, Ordering::Relaxed);
    match client.job(Job::Restart, "web.service") {
        Err(Failure::Unended(e)) => assert!(e.message().contains("systemd goes on"), "{e}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn lost_is_what_nobody_of_systemd_answered() {
    let io = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
    let fdo = |e: fdo::Error| zbus::Error::FDO(Box::new(e));
    let text = String::new;
    for (error, lost) in [
        (zbus::Error::InputOutput(Arc::new(io)), true),
        (fdo(fdo::Error::NoReply(text())), true),
        (fdo(fdo::Error::ServiceUnknown(text())), true),
        (
            fdo(fdo::Error::ZBus(fdo(fdo::Error::Disconnected(text())))),
            true,
        ),
        (fdo(fdo::Error::LimitsExceeded(text())), false),
        (fdo(fdo::Error::AccessDenied(text())), false),
        (fdo(fdo::Error::Failed(text())), false),
        (zbus::Error::InvalidReply, false),
    ] {
        assert_eq!(is_lost(&error), lost, "{error:?}");
    }
}
