//! What is known of a peer, as C's texts.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::fmt;
use std::sync::OnceLock;

use super::PeerInfo;

/// Made when first asked for, and kept as long as the peer's messages: C gets
/// pointers to them.
#[derive(Default)]
pub(crate) struct CTexts(OnceLock<HashMap<String, CString>>);

impl PeerInfo {
    /// The property that zmq_msg_gets(3) calls `name`, up to its first NUL.
    pub(crate) fn c_text(&self, name: &str) -> Option<&CStr> {
        let texts = self.texts.0.get_or_init(|| texts_of(self));
        texts.get(name).map(CString::as_c_str)
    }
}

fn texts_of(info: &PeerInfo) -> HashMap<String, CString> {
    let mut texts = HashMap::new();
    for (name, value) in &info.properties {
        // In no spelling, of which a program might try some.
        if name.eq_ignore_ascii_case("User-Id") {
            continue;
        }
        texts.insert(name.clone(), text(value));
    }
    if let Some(socket_type) = info.socket_type {
        texts.insert(
            "Socket-Type".to_owned(),
            text(socket_type.name().as_bytes()),
        );
    }
    texts.insert("Peer-Address".to_owned(), text(info.address.as_bytes()));
    // The handshake's name for it, and the one in the man page. Of a type that
    // tells none there is none, rather than an empty one.
    if !info.routing_id.is_empty() || info.property("Identity").is_some() {
        for name in ["Identity", "Routing-Id"] {
            texts.insert(name.to_owned(), text(&info.routing_id));
        }
    }
    // What the peer says of itself does not count beside these.
    for (name, value) in &info.granted {
        texts.insert(name.clone(), text(value));
    }
    match &info.user_id {
        Some(user_id) => texts.insert("User-Id".to_owned(), text(user_id)),
        None => texts.remove("User-Id"),
    };
    texts
}

fn text(value: &[u8]) -> CString {
    let value = value.split(|&byte| byte == 0).next().unwrap_or_default();
    CString::new(value).unwrap_or_default()
}

impl Clone for CTexts {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for CTexts {
    /// They say nothing that the rest does not.
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for CTexts {}

impl fmt::Debug for CTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CTexts")
    }
}
