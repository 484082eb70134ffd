//! Mechanisms, as arguments of peers.

use std::fmt;

/// How peers prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// Nobody has to.
    Null,
    Plain,
    Curve,
}

/// A server that asks about everybody, and knows everybody.
pub const NULL_SERVER: &[&str] = &["--opt", "ZAP_DOMAIN=shop", "--admit", "NULL,anna"];
/// A client that has nothing to show.
pub const NULL_CLIENT: &[&str] = &[];
/// A server of PLAIN, who knows one client.
pub const PLAIN_SERVER: &[&str] = &[
    "--opt",
    "PLAIN_SERVER=1",
    "--opt",
    "ZAP_DOMAIN=shop",
    "--admit",
    "PLAIN,admin,secret,anna",
];
/// The client it knows.
pub const PLAIN_CLIENT: &[&str] = &[
    "--opt",
    "PLAIN_USERNAME=admin",
    "--opt",
    "PLAIN_PASSWORD=secret",
];
/// A server of CURVE, who knows one client. The keys are those of zmq_curve(7).
pub const CURVE_SERVER: &[&str] = &[
    "--opt",
    "CURVE_SERVER=1",
    "--opt",
    "CURVE_SECRETKEY=JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
    "--opt",
    "ZAP_DOMAIN=shop",
    "--admit",
    "CURVE,Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID,anna",
];
/// The client it knows.
pub const CURVE_CLIENT: &[&str] = &[
    "--opt",
    "CURVE_SERVERKEY=rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
    "--opt",
    "CURVE_PUBLICKEY=Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
    "--opt",
    "CURVE_SECRETKEY=D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
];

impl Mechanism {
    /// Those that keep others out.
    pub const SECURE: [Self; 2] = [Self::Plain, Self::Curve];

    /// What makes a peer a server of it, or else a client that the server knows.
    pub fn arguments(self, serves: bool) -> &'static [&'static str] {
        match (self, serves) {
            (Self::Null, _) => &[],
            (Self::Plain, true) => PLAIN_SERVER,
            (Self::Plain, false) => PLAIN_CLIENT,
            (Self::Curve, true) => CURVE_SERVER,
            (Self::Curve, false) => CURVE_CLIENT,
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "NULL",
            Self::Plain => "PLAIN",
            Self::Curve => "CURVE",
        })
    }
}
