//! What those who judge say, in the words of ZAP (RFC 27).

use crate::{Denial, Grant, Verdict, VerdictFault, read_properties};

/// The version of ZAP.
pub const VERSION: &str = "1.0";

/// The verdict in a handler's reply to the request of that id: version, request id, status,
/// reason, user id and metadata, without an envelope.
///
/// # Errors
/// What is wrong with the reply, as libzmq judges it.
pub fn read_reply(parts: &[&[u8]], request_id: &[u8]) -> Result<Verdict, VerdictFault> {
    let [version, id, status, reason, user_id, metadata] = parts else {
        return Err(VerdictFault::MalformedReply);
    };
    if *version != VERSION.as_bytes() {
        return Err(VerdictFault::BadVersion);
    }
    if *id != request_id {
        return Err(VerdictFault::BadRequestId);
    }
    let denial = match *status {
        b"200" => {
            let metadata = read_properties(metadata).ok_or(VerdictFault::InvalidMetadata)?;
            return Ok(Verdict::Accept(Grant {
                user_id: user_id.to_vec(),
                metadata,
            }));
        }
        b"300" => Denial::Temporary,
        b"400" => Denial::Refused,
        b"500" => Denial::Failure,
        _ => return Err(VerdictFault::InvalidStatusCode),
    };
    Ok(Verdict::deny(denial, String::from_utf8_lossy(reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &[&str]) -> Result<Verdict, VerdictFault> {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        read_reply(&parts, b"1")
    }

    #[test]
    fn a_reply_is_read() {
        let accepted = read(&["1.0", "1", "200", "OK", "anna", ""]);
        assert_eq!(accepted, Ok(Verdict::accept("anna")));
        for (code, status) in [
            ("300", Denial::Temporary),
            ("400", Denial::Refused),
            ("500", Denial::Failure),
        ] {
            let denied = read(&["1.0", "1", code, "no", "", ""]);
            assert_eq!(denied, Ok(Verdict::deny(status, "no")));
        }
        let metadata = "\x05Hello\x00\x00\x00\x05World";
        let Ok(Verdict::Accept(grant)) = read(&["1.0", "1", "200", "OK", "", metadata]) else {
            panic!("it is accepted");
        };
        assert_eq!(grant.metadata, [("Hello".to_owned(), b"World".to_vec())]);
    }

    #[test]
    fn each_breach_has_its_fault() {
        let fault = |parts: [&str; 6]| read(&parts).expect_err("a breach");
        let status = VerdictFault::InvalidStatusCode;
        assert_eq!(
            fault(["1.1", "1", "200", "", "", ""]),
            VerdictFault::BadVersion
        );
        assert_eq!(
            fault(["1.0", "2", "200", "", "", ""]),
            VerdictFault::BadRequestId
        );
        for wrong in ["", "2000", "+20", "201", "abc", "20", "020", "200\0"] {
            assert_eq!(fault(["1.0", "1", wrong, "", "", ""]), status, "{wrong}");
        }
        assert_eq!(
            fault(["1.0", "1", "200", "", "", "\x05He"]),
            VerdictFault::InvalidMetadata
        );
        let malformed = Err(VerdictFault::MalformedReply);
        assert_eq!(read(&["1.0"]), malformed);
        assert_eq!(read(&[]), malformed);
        assert_eq!(read(&["1.0", "1", "200", "", "", "", ""]), malformed);
    }
}
