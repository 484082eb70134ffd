//! What the fuzz targets share.

use std::time::Duration;

use arbitrary::Arbitrary;
use zmtp::{
    Config, CurveClient, Heartbeat, KeyPair, Login, SecretKey, Security, SocketType, Version,
};

pub mod curve;
mod feed;
mod opening;

pub use feed::{Feed, Heard, Judge};
pub use opening::{Kind, command, greeting};

/// The settings of an engine, as a fuzzer chooses them.
#[derive(Debug, Clone, Arbitrary)]
pub struct Settings {
    pub socket_type: u8,
    pub routing_id: u8,
    pub max_message_size: Option<u16>,
    pub direct_payload: u16,
    /// Tenths of a second: interval, timeout, time to live.
    pub heartbeat: Option<(u8, u8, u8)>,
    pub modern: bool,
}

impl Settings {
    pub fn config(&self) -> Config {
        let number = self.socket_type % SocketType::ALL.len() as u8;
        let socket_type = SocketType::from_number(number).expect("the number is in range");
        let mut config = Config::new(socket_type);
        config.routing_id = vec![7; usize::from(self.routing_id)];
        config.max_message_size = self.max_message_size.map(u64::from);
        config.direct_payload = usize::from(self.direct_payload);
        let tenths = |count: u8| Duration::from_millis(100) * u32::from(count);
        config.heartbeat = self.heartbeat.map(|(interval, timeout, ttl)| Heartbeat {
            interval: tenths(interval),
            timeout: tenths(timeout),
            ttl: tenths(ttl),
        });
        if self.modern {
            config.minimum_version = Version::V3_0;
        }
        config
    }
}

/// A mechanism, and how its server judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Mechanism {
    Null,
    /// NULL, with both ends judging.
    NullJudged,
    Plain,
    Curve,
}

impl Mechanism {
    /// Sets both ends to the mechanism, the second as its server.
    pub fn set(self, ends: &mut [Config; 2]) {
        let [client, server] = ends;
        match self {
            Self::Null => {}
            Self::NullJudged => {
                client.authenticate_null = true;
                server.authenticate_null = true;
            }
            Self::Plain => {
                let login = Login::new("name", "password").expect("both are short");
                client.security = Security::PlainClient(login);
                server.security = Security::PlainServer;
            }
            Self::Curve => {
                let [ours, theirs] = [curve::CLIENT, curve::SERVER]
                    .map(|key| KeyPair::from(SecretKey::from_bytes(key)));
                let keys = CurveClient::new(&ours, *theirs.public());
                client.security = Security::CurveClient(keys);
                server.security = Security::CurveServer(theirs);
            }
        }
    }
}

/// What is heard of a command once the handshake is over, if it is taken.
pub fn meaning(payload: &[u8]) -> Option<Heard> {
    let (len, rest) = payload.split_first()?;
    let (name, data) = rest.split_at_checked(usize::from(*len))?;
    let data = data.to_vec();
    Some(match name {
        b"SUBSCRIBE" => Heard::Subscribe(data),
        b"CANCEL" => Heard::Cancel(data),
        b"JOIN" => Heard::Join(data),
        b"LEAVE" => Heard::Leave(data),
        _ => return None,
    })
}

/// Has all that is random be the same again, so that a find can be played again.
pub fn restart() {
    #[cfg(fuzzing)]
    zmtp::fuzzing::restart();
}
