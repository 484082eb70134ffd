//! The text of a certificate, in the ZeroMQ Property Language (RFC 4).
//!
//! Readers differ. CZMQ wants each value in quotes that it does not contain, and four spaces of
//! indentation. pyzmq takes any line that starts with `public-key`, in whatever section. What is
//! written here all of them read alike.

use std::collections::BTreeMap;
use std::path::Path;

use zeroize::Zeroizing;
use zmtp::{PublicKey, SecretKey};

use super::{Certificate, CertificateError, LineFault, MetadataError};

/// The most that metadata may take in a file, in bytes: half of what is read.
pub(super) const METADATA_LIMIT: usize = super::FILE_LIMIT / 2;

const PUBLIC_BANNER: &str = "\
#   CURVE public certificate of ZeroMQ, made by ZincMQ.
#   Anybody may have it. Whoever gets it should make sure that it is the right one.

";
const SECRET_BANNER: &str = "\
#   CURVE SECRET certificate of ZeroMQ, made by ZincMQ.
#   Give it to nobody, and leave its permissions as they are.

";
const INDENT: &str = "    ";
const PUBLIC_KEY: &str = "public-key";
const SECRET_KEY: &str = "secret-key";

/// The text with these keys.
pub(super) fn write(
    public: &PublicKey,
    secret: Option<&SecretKey>,
    metadata: &BTreeMap<String, String>,
) -> Zeroizing<String> {
    // All of the memory at once: what growing leaves behind could not be wiped.
    let mut text = Zeroizing::new(String::with_capacity(super::FILE_LIMIT));
    text.push_str(match secret {
        Some(_) => SECRET_BANNER,
        None => PUBLIC_BANNER,
    });
    text.push_str("metadata\n");
    for (name, value) in metadata {
        push(&mut text, name, value);
    }
    text.push_str("curve\n");
    push(&mut text, PUBLIC_KEY, &public.to_string());
    if let Some(secret) = secret {
        push(&mut text, SECRET_KEY, &secret.to_z85());
    }
    text
}

fn push(text: &mut String, name: &str, value: &str) {
    let quote = match (value.contains('"'), value.contains('\'')) {
        (false, _) => "\"",
        (true, false) => "'",
        (true, true) => "",
    };
    for piece in [INDENT, name, " = ", quote, value, quote, "\n"] {
        text.push_str(piece);
    }
}

/// Takes in a piece of metadata, if it can be written so that it is read as it was.
pub(super) fn note(
    metadata: &mut BTreeMap<String, String>,
    name: &str,
    value: &str,
) -> Result<(), MetadataError> {
    check(name, value)?;
    let others = metadata.iter().filter(|(other, _)| *other != name);
    let length = others.fold(line_length(name, value), |sum, (name, value)| {
        sum + line_length(name, value)
    });
    if length > METADATA_LIMIT {
        let limit = METADATA_LIMIT;
        return Err(MetadataError::TooMuch { limit });
    }
    metadata.insert(name.to_owned(), value.to_owned());
    Ok(())
}

/// How many bytes it takes at most.
fn line_length(name: &str, value: &str) -> usize {
    INDENT.len() + name.len() + " = ".len() + value.len() + "\"\"\n".len()
}

fn check(name: &str, value: &str) -> Result<(), MetadataError> {
    let owned = || name.to_owned();
    if name.is_empty() || !name.bytes().all(is_name_byte) {
        return Err(MetadataError::BadName { name: owned() });
    }
    if name.starts_with(PUBLIC_KEY) || name.starts_with(SECRET_KEY) {
        return Err(MetadataError::KeyName { name: owned() });
    }
    if has_control(value) {
        return Err(MetadataError::ControlCharacter { name: owned() });
    }
    let both = value.contains('"') && value.contains('\'');
    if both && (value.starts_with(['"', '\'']) || value.contains('#') || trim(value) != value) {
        return Err(MetadataError::Quotes { name: owned() });
    }
    Ok(())
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"$-_@.&+/".contains(&byte)
}

fn has_control(text: &str) -> bool {
    text.contains(|character: char| character.is_control() && character != '\t')
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// What is wrong with a text, before it is known which file it is from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Line(usize, LineFault),
    NoPublicKey,
    KeysDiffer,
}

impl Fault {
    pub(super) fn of(self, path: &Path) -> CertificateError {
        let path = path.to_owned();
        match self {
            Self::Line(line, fault) => CertificateError::Line { path, line, fault },
            Self::NoPublicKey => CertificateError::NoPublicKey { path },
            Self::KeysDiffer => CertificateError::KeysDiffer { path },
        }
    }
}

/// The certificate that these bytes stand for.
pub(super) fn parse(bytes: &[u8]) -> Result<Certificate, Fault> {
    let mut reading = Reading::default();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        reading
            .line(line.strip_suffix(b"\r").unwrap_or(line))
            .map_err(|fault| Fault::Line(index + 1, fault))?;
    }
    reading.finish()
}

/// What the lines so far have said.
#[derive(Default)]
struct Reading {
    section: Option<Section>,
    public: Option<PublicKey>,
    secret: Option<SecretKey>,
    metadata: BTreeMap<String, String>,
}

/// The line without indentation that the others are below, and how far those
/// are indented.
struct Section {
    kind: Kind,
    depth: Option<usize>,
}

#[derive(Clone, Copy)]
enum Kind {
    Metadata,
    Curve,
    Other,
}

impl Reading {
    fn line(&mut self, bytes: &[u8]) -> Result<(), LineFault> {
        let line = str::from_utf8(bytes).map_err(|_| LineFault::NotText)?;
        let text = trim(line);
        if text.is_empty() || text.starts_with('#') {
            return Ok(());
        }
        if has_control(text) {
            return Err(LineFault::ControlCharacter);
        }
        let end = text.bytes().take_while(|byte| is_name_byte(*byte)).count();
        let (name, rest) = text.split_at(end);
        if name.is_empty() {
            return Err(LineFault::NoName);
        }
        let value = match trim(rest) {
            "" => "",
            rest if rest.starts_with('#') => "",
            rest => value(trim(rest.strip_prefix('=').ok_or(LineFault::NoEqualsSign)?)),
        };
        match line.len() - line.trim_start_matches([' ', '\t']).len() {
            0 => self.start(name),
            depth => self.property(depth, name, value)?,
        }
        Ok(())
    }

    fn start(&mut self, name: &str) {
        let kind = match name {
            "metadata" => Kind::Metadata,
            "curve" => Kind::Curve,
            _ => Kind::Other,
        };
        self.section = Some(Section { kind, depth: None });
    }

    fn property(&mut self, depth: usize, name: &str, value: &str) -> Result<(), LineFault> {
        let section = self.section.as_mut().ok_or(LineFault::NoSection)?;
        // Properties of properties say nothing that is known here.
        if depth > *section.depth.get_or_insert(depth) {
            return Ok(());
        }
        match (section.kind, name) {
            (Kind::Curve, PUBLIC_KEY) => set_key(&mut self.public, value),
            (Kind::Curve, SECRET_KEY) => set_key(&mut self.secret, value),
            (Kind::Metadata, _) if self.metadata.contains_key(name) => Err(LineFault::Twice),
            (Kind::Metadata, _) => Ok(note(&mut self.metadata, name, value)?),
            (Kind::Curve | Kind::Other, _) => Ok(()),
        }
    }

    fn finish(self) -> Result<Certificate, Fault> {
        // So CZMQ writes a key that it does not know.
        let unknown = [0; 32];
        let public = self.public.filter(|key| *key.as_bytes() != unknown);
        let secret = self
            .secret
            .filter(|key| *key != SecretKey::from_bytes(unknown));
        let belonging = secret.as_ref().map(SecretKey::public_key);
        if let (Some(public), Some(belonging)) = (public, belonging)
            && public != belonging
        {
            return Err(Fault::KeysDiffer);
        }
        Ok(Certificate {
            secret,
            metadata: self.metadata,
            ..public.or(belonging).ok_or(Fault::NoPublicKey)?.into()
        })
    }
}

fn set_key<K>(place: &mut Option<K>, value: &str) -> Result<(), LineFault>
where
    K: std::str::FromStr<Err = zmtp::Z85Error>,
{
    if place.is_some() {
        return Err(LineFault::Twice);
    }
    *place = Some(value.parse().map_err(LineFault::NoKey)?);
    Ok(())
}

/// The value that `text` stands for: what is between quotes, or all up to a
/// comment.
fn value(text: &str) -> &str {
    if let Some(quote @ ('"' | '\'')) = text.chars().next() {
        let inner = &text[1..];
        if let Some((value, rest)) = inner.split_once(quote) {
            let rest = trim(rest);
            if rest.is_empty() || rest.starts_with('#') {
                return value;
            }
            // CZMQ puts values in double quotes that contain some.
            if let Some(value) = inner.strip_suffix(quote) {
                return value;
            }
        }
    }
    let end = text.find('#').unwrap_or(text.len());
    trim(&text[..end])
}
