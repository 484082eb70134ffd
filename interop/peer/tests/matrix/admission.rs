//! Who is let in, who is not, what each side's monitor says of it, and whether the client tries again.
//!
//! Server and client are DEALERs. Both try to send, as neither may hear
//! the other before it is known who that is.

use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::process::{Failure, Process, Transcript};
use crate::security::{
    CURVE_CLIENT, CURVE_SERVER, NULL_CLIENT, NULL_SERVER, PLAIN_CLIENT, PLAIN_SERVER,
};
use crate::setup::{Pair, Role, Seat, Side, Transport, Variant, self_check, trial};

/// Two peers, and what becomes of them.
#[derive(Debug, Clone, Copy)]
struct Meeting {
    name: &'static str,
    server: Arguments,
    client: Arguments,
    end: End,
}

type Arguments = &'static [&'static [&'static str]];

#[derive(Debug, Clone, Copy)]
enum End {
    /// The client is let in, after so many answers of 300, of which it hears nothing. libzmq does not
    /// even hang up, so the client is not to wait long.
    In { postponed: usize },
    /// Both hear the status, and the client does not try again.
    Refused(&'static str),
    /// The handshake fails on both sides, as each side's monitor says in one of these ways, and the
    /// client tries again.
    Fails {
        server: &'static [&'static str],
        client: &'static [&'static str],
    },
    /// libzmq lets the client in, ours does not and hangs up.
    NobodyToAsk,
}

const ROLES: [Role; 2] = [Role::new("DEALER"), Role::new("DEALER")];

/// The other side hung up before this one knew why, or without saying so.
const HUNG_UP: &str = "FAILED_NO_DETAIL";
const MISMATCH: &str = "FAILED_PROTOCOL 0x11000002";
const CRYPTOGRAPHIC: &str = "FAILED_PROTOCOL 0x11000001";
const UNEXPECTED: &str = "FAILED_PROTOCOL 0x10000001";

const MEETINGS: &[Meeting] = &[
    let_in("NULL", &[NULL_SERVER], &[NULL_CLIENT], 0),
    let_in("PLAIN", &[PLAIN_SERVER], &[PLAIN_CLIENT], 0),
    let_in("CURVE", &[CURVE_SERVER], &[CURVE_CLIENT], 0),
    let_in(
        "NULL, twice not now",
        &[NULL_SERVER, &["--postpone", "2"]],
        &[NULL_CLIENT, IMPATIENT],
        2,
    ),
    let_in(
        "PLAIN, twice not now",
        &[PLAIN_SERVER, &["--postpone", "2"]],
        &[PLAIN_CLIENT, IMPATIENT],
        2,
    ),
    let_in(
        "CURVE, twice not now",
        &[CURVE_SERVER, &["--postpone", "2"]],
        &[CURVE_CLIENT, IMPATIENT],
        2,
    ),
    refused(
        "PLAIN, wrong password",
        &[PLAIN_SERVER],
        &[PLAIN_CLIENT, &["--opt", "PLAIN_PASSWORD=guess"]],
        "400",
    ),
    refused(
        "PLAIN, unknown name",
        &[PLAIN_SERVER],
        &[PLAIN_CLIENT, &["--opt", "PLAIN_USERNAME=root"]],
        "400",
    ),
    refused(
        "CURVE, unknown key",
        &[CURVE_SERVER],
        &[CURVE_STRANGER],
        "400",
    ),
    refused(
        "NULL, nobody is known",
        &[&["--opt", "ZAP_DOMAIN=shop", "--otherwise", "400"]],
        &[NULL_CLIENT],
        "400",
    ),
    refused(
        "NULL, the handler fails",
        &[&["--opt", "ZAP_DOMAIN=shop", "--otherwise", "500"]],
        &[NULL_CLIENT],
        "500",
    ),
    refused(
        "PLAIN, the handler fails",
        &[PLAIN_SERVER, &["--otherwise", "500"]],
        &[PLAIN_CLIENT, &["--opt", "PLAIN_PASSWORD=guess"]],
        "500",
    ),
    refused(
        "CURVE, the handler fails",
        &[CURVE_SERVER, &["--otherwise", "500"]],
        &[CURVE_STRANGER],
        "500",
    ),
    fails(
        "CURVE, the key of another server",
        &[CURVE_SERVER],
        &[
            CURVE_CLIENT,
            &[
                "--opt",
                "CURVE_SERVERKEY=Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
            ],
        ],
        &[CRYPTOGRAPHIC],
        &[HUNG_UP],
    ),
    fails(
        FORGED,
        &[CURVE_SERVER],
        &[
            CURVE_STRANGER,
            &[
                "--opt",
                "CURVE_PUBLICKEY=Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
            ],
        ],
        &[CRYPTOGRAPHIC],
        &[HUNG_UP],
    ),
    mismatch("PLAIN meets no mechanism", &[PLAIN_SERVER], &[NULL_CLIENT]),
    mismatch("CURVE meets no mechanism", &[CURVE_SERVER], &[NULL_CLIENT]),
    mismatch("PLAIN meets CURVE", &[PLAIN_SERVER], &[CURVE_CLIENT]),
    mismatch("CURVE meets PLAIN", &[CURVE_SERVER], &[PLAIN_CLIENT]),
    mismatch("NULL meets PLAIN", &[NULL_SERVER], &[PLAIN_CLIENT]),
    mismatch("NULL meets CURVE", &[NULL_SERVER], &[CURVE_CLIENT]),
    fails(
        "PLAIN, two clients",
        &[PLAIN_CLIENT],
        &[PLAIN_CLIENT],
        &[UNEXPECTED, HUNG_UP],
        &[UNEXPECTED, HUNG_UP],
    ),
    fails(
        "CURVE, two clients",
        &[CURVE_CLIENT],
        &[CURVE_CLIENT],
        &[UNEXPECTED, HUNG_UP],
        &[UNEXPECTED, HUNG_UP],
    ),
    fails(
        "PLAIN, two servers",
        &[PLAIN_SERVER, IMPATIENT],
        &[PLAIN_SERVER, IMPATIENT],
        &[HUNG_UP],
        &[HUNG_UP],
    ),
    fails(
        "CURVE, two servers",
        &[CURVE_SERVER, IMPATIENT],
        &[CURVE_SERVER, IMPATIENT],
        &[HUNG_UP],
        &[HUNG_UP],
    ),
    nobody_to_ask(
        "NULL, nobody to ask",
        &[&["--opt", "ZAP_DOMAIN=shop"]],
        &[NULL_CLIENT],
    ),
    nobody_to_ask(
        "CURVE, nobody to ask",
        &[&[
            "--opt",
            "CURVE_SERVER=1",
            "--opt",
            "CURVE_SECRETKEY=JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
        ]],
        &[CURVE_CLIENT],
    ),
    fails(
        "PLAIN, nobody to ask",
        &[&["--opt", "PLAIN_SERVER=1", "--opt", "ZAP_DOMAIN=shop"]],
        &[PLAIN_CLIENT],
        &["FAILED_NO_DETAIL 14"],
        &[HUNG_UP],
    ),
];

/// Ours does not even connect with it.
const FORGED: &str = "CURVE, the public key of another client";
const WATCH: &[&str] = &["--watch"];
const IMPATIENT: &[&str] = &["--opt", "HANDSHAKE_IVL=300"];

/// Another pair of keys than the one that servers know.
const CURVE_STRANGER: &[&str] = &[
    "--opt",
    "CURVE_SERVERKEY=rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
    "--opt",
    "CURVE_PUBLICKEY=rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
    "--opt",
    "CURVE_SECRETKEY=JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
];

const fn let_in(
    name: &'static str,
    server: Arguments,
    client: Arguments,
    postponed: usize,
) -> Meeting {
    Meeting {
        name,
        server,
        client,
        end: End::In { postponed },
    }
}

const fn refused(
    name: &'static str,
    server: Arguments,
    client: Arguments,
    status: &'static str,
) -> Meeting {
    Meeting {
        name,
        server,
        client,
        end: End::Refused(status),
    }
}

const fn fails(
    name: &'static str,
    server: Arguments,
    client: Arguments,
    server_says: &'static [&'static str],
    client_says: &'static [&'static str],
) -> Meeting {
    Meeting {
        name,
        server,
        client,
        end: End::Fails {
            server: server_says,
            client: client_says,
        },
    }
}

const fn nobody_to_ask(name: &'static str, server: Arguments, client: Arguments) -> Meeting {
    Meeting {
        name,
        server,
        client,
        end: End::NobodyToAsk,
    }
}

const fn mismatch(name: &'static str, server: Arguments, client: Arguments) -> Meeting {
    // Whoever hangs up first, the other may see only that.
    fails(
        name,
        server,
        client,
        &[MISMATCH, HUNG_UP],
        &[MISMATCH, HUNG_UP],
    )
}

pub fn cases() -> impl Iterator<Item = Trial> {
    MEETINGS.iter().flat_map(|&meeting| {
        // Over tcp either may bind. A server of libzmq's that connects may give up after a client that it
        // did not let in.
        let variants = Variant::all().filter(move |variant| {
            let is_ours = variant.side(Seat::First) == Side::Ours && !self_check();
            let meets_again = is_ours || matches!(meeting.end, End::In { postponed: 0 });
            let forges = variant.side(Seat::Second) == Side::Ours && !self_check();
            (meeting.name != FORGED || !forges)
                && (variant.binder == Seat::First
                    || variant.transport == Transport::Tcp && meets_again)
        });
        variants.map(move |variant| {
            let serves = match variant.side(Seat::First) {
                Side::Ours => "ours serves libzmq",
                Side::Libzmq => "libzmq serves ours",
            };
            let who = match variant.binder {
                Seat::First => "",
                Seat::Second => ", the client binds",
            };
            let name = format!("{}, {serves}, {}{who}", meeting.name, variant.transport);
            trial(name, move |t| meet(meeting, variant, t))
        })
    })
}

fn meet(meeting: Meeting, variant: Variant, transcript: &Transcript) -> Result<(), Failure> {
    let (server, client) = (arguments(meeting.server), arguments(meeting.client));
    let mut pair = Pair::start_with(variant, ROLES, [server, client], transcript)?;
    // Whether libzmq tries again depends on what it sees first, the reason or the end of the connection.
    let is_ours = variant.side(Seat::Second) == Side::Ours && !self_check();
    let certain = is_ours && variant.binder == Seat::First;
    match meeting.end {
        End::In { postponed } => {
            for _ in 0..postponed {
                expect_at_last(pair.peer(Seat::First), "FAILED_AUTH 300")?;
                expect(pair.peer(Seat::Second), &[HUNG_UP])?;
            }
            talk(&mut pair, postponed + 1)?;
            return pair.finish();
        }
        End::Refused(status) => {
            let says = format!("FAILED_AUTH {status}");
            let mut client_says = vec![says.as_str()];
            if meeting.server.contains(&PLAIN_SERVER) {
                // libzmq up to 4.3.5 expects another name than ERROR there.
                client_says.extend((!is_ours).then_some(UNEXPECTED));
            }
            stay_out(&mut pair, &[&says], &client_says)?;
            let client = pair.peer(Seat::Second);
            if certain {
                sleep(MOMENT);
                let events = client.ask("events")?;
                if events != "DISCONNECTED" {
                    return Err(format!("the client went on: {events}"));
                }
            }
        }
        End::NobodyToAsk if variant.side(Seat::First) == Side::Libzmq || self_check() => {
            let (server, client) = pair.both();
            expect(server, &["SUCCEEDED"])?;
            client.ask("send 1 64 1 0")?;
            server.ask("recv 1 64 1 0")?;
        }
        End::NobodyToAsk => stay_out(&mut pair, &["FAILED_NO_DETAIL 14"], &[HUNG_UP])?,
        End::Fails { server, client } => {
            stay_out(&mut pair, server, client)?;
            if certain {
                expect(pair.peer(Seat::Second), client)?;
            }
        }
    }
    // The server is there for the next.
    let honest = match meeting.server.first() {
        Some(&PLAIN_SERVER) => PLAIN_CLIENT,
        Some(&CURVE_SERVER) => CURVE_CLIENT,
        Some(&NULL_SERVER) => NULL_CLIENT,
        _ => return pair.finish(),
    };
    pair.replace_with(Seat::Second, arguments(&[honest]))?;
    talk(&mut pair, 1)?;
    pair.finish()
}

fn arguments(special: &[&'static [&'static str]]) -> Vec<&'static str> {
    [&[WATCH], special].concat().concat()
}

/// Both are told why they do not come together, and neither hears the other.
fn stay_out(pair: &mut Pair, server_says: &[&str], client_says: &[&str]) -> Result<(), Failure> {
    let (server, client) = pair.both();
    for peer in [&mut *server, &mut *client] {
        peer.ask("offer 1 64 1")?;
    }
    expect(server, server_says)?;
    expect(client, client_says)?;
    for peer in [server, client] {
        peer.ask("offer 2 64 1")?;
        peer.ask(&format!("silence {}", MOMENT.as_millis()))?;
    }
    Ok(())
}

/// The client is let in, as one of at least so many that asked, and both hear each other.
fn talk(pair: &mut Pair, asked: usize) -> Result<(), Failure> {
    let (server, client) = pair.both();
    expect_at_last(server, "SUCCEEDED")?;
    expect_at_last(client, "SUCCEEDED")?;
    let report = server.ask("asked")?;
    let words: Vec<&str> = report.split(' ').collect();
    let [count, mechanism, "shop", _] = words[..] else {
        return Err(format!("asked: {report}"));
    };
    if count.parse().unwrap_or(0) < asked {
        return Err(format!("{asked} asked or more, not {report}"));
    }
    client.ask("send 1 64 1 0")?;
    let known = server.ask("recv-from User-Id Came-By Socket-Type")?;
    if known != format!("User-Id=anna Came-By={mechanism} Socket-Type=DEALER") {
        return Err(format!("the server knows {known}"));
    }
    server.ask("send 1 64 1 0")?;
    let known = client.ask("recv-from User-Id Came-By Socket-Type")?;
    match known == "User-Id=- Came-By=- Socket-Type=DEALER" {
        true => Ok(()),
        false => Err(format!("the client knows {known}")),
    }
}

/// Many times as long as a client waits before it tries again.
const MOMENT: Duration = Duration::from_millis(300);

fn expect(peer: &mut Process, ways: &[&str]) -> Result<(), Failure> {
    let outcome = peer.ask("outcome")?;
    match ways.iter().any(|way| outcome.starts_with(way)) {
        true => Ok(()),
        false => Err(format!("a handshake {outcome}, expected {ways:?}")),
    }
}

/// After others that failed.
fn expect_at_last(peer: &mut Process, way: &str) -> Result<(), Failure> {
    while !peer.ask("outcome")?.starts_with(way) {}
    Ok(())
}
