//! Whether the functions in Rust take and return what `zmq.h` declares, as far as a call can tell:
//! kind and size of each value, but not what a pointer leads to.

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The values of C's types other than pointers, as gcc names them.
const C: &[(&str, &str)] = &[
    ("void", "nothing"),
    ("short int", "short"),
    ("int", "int"),
    ("zmq_fd_t", "int"),
    ("long int", "long"),
    ("long unsigned int", "unsigned long"),
    ("size_t", "size"),
    ("uint32_t", "32 bits"),
    ("uint64_t", "64 bits"),
];

/// Those of Rust's.
const RUST: &[(&str, &str)] = &[
    ("c_short", "short"),
    ("c_int", "int"),
    ("RawFd", "int"),
    ("c_long", "long"),
    ("c_ulong", "unsigned long"),
    ("usize", "size"),
    ("u32", "32 bits"),
    ("u64", "64 bits"),
];

/// What a function takes and returns.
pub type Signatures = BTreeMap<String, String>;

/// Of declarations such as `extern int zmq_poll (zmq_pollitem_t *, int, long int);`.
pub fn of_c(declarations: &BTreeMap<String, String>) -> Result<Signatures> {
    let one = |(name, text): (&String, &String)| {
        let unreadable = || anyhow!("{text} cannot be read");
        let (head, rest) = text
            .split_once(&format!("{name} ("))
            .ok_or_else(unreadable)?;
        let list = rest.strip_suffix(");").ok_or_else(unreadable)?;
        let result = c_type(head.strip_prefix("extern ").ok_or_else(unreadable)?)?;
        let takes = match list {
            "void" => Vec::new(),
            list => list.split(',').map(c_type).collect::<Result<_>>()?,
        };
        Ok((name.clone(), signature(&takes, &result)))
    };
    declarations.iter().map(one).collect()
}

/// Of every `extern "C" fn zmq_…` in a source file.
pub fn of_rust(source: &str) -> Result<Signatures> {
    let tokens = TokenStream::from_str(source).map_err(|e| anyhow!("{e}"))?;
    let mut found = Signatures::new();
    walk(&tokens.into_iter().collect::<Vec<_>>(), &mut found)?;
    Ok(found)
}

fn walk(tokens: &[TokenTree], found: &mut Signatures) -> Result<()> {
    for (i, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            walk(&inner, found)?;
        }
        let [
            TokenTree::Ident(word),
            TokenTree::Literal(abi),
            TokenTree::Ident(function),
            TokenTree::Ident(name),
            TokenTree::Group(list),
            rest @ ..,
        ] = &tokens[i..]
        else {
            continue;
        };
        let name = name.to_string();
        let is_ours = word == "extern" && abi.to_string() == "\"C\"" && function == "fn";
        if !is_ours || !name.starts_with("zmq_") {
            continue;
        }
        let takes = parameters(list.stream())
            .iter()
            .map(|tokens| rust_type(tokens))
            .collect::<Result<Vec<_>>>()?;
        let body = rest.iter().position(
            |token| matches!(token, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace),
        );
        let result = match &rest[..body.unwrap_or(rest.len())] {
            [] => "nothing".to_owned(),
            // Past the arrow.
            arrow => rust_type(&arrow[2..])?,
        };
        found.insert(name, signature(&takes, &result));
    }
    Ok(())
}

/// The types of the parameters. A comma inside angle brackets separates none.
fn parameters(list: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut types = Vec::new();
    let mut current = Vec::new();
    let mut depth = 0;
    for token in list {
        if let TokenTree::Punct(punct) = &token {
            match punct.as_char() {
                '<' => depth += 1,
                '>' => depth -= 1,
                ',' if depth == 0 => {
                    types.push(std::mem::take(&mut current));
                    continue;
                }
                _ => {}
            }
        }
        current.push(token);
    }
    types.push(current);
    types
        .into_iter()
        .filter_map(|tokens| {
            let is_colon = |t: &TokenTree| matches!(t, TokenTree::Punct(p) if p.as_char() == ':');
            let colon = tokens.iter().position(is_colon)?;
            Some(tokens[colon + 1..].to_vec())
        })
        .collect()
}

fn c_type(text: &str) -> Result<String> {
    let text = text.trim();
    if text.contains('*') {
        return Ok("pointer".to_owned());
    }
    look_up(C, text)
}

fn rust_type(tokens: &[TokenTree]) -> Result<String> {
    let is_pointer = match tokens.first() {
        Some(TokenTree::Punct(punct)) => punct.as_char() == '*',
        // A function that may be missing.
        Some(TokenTree::Ident(ident)) => ident == "Option",
        _ => false,
    };
    if is_pointer {
        return Ok("pointer".to_owned());
    }
    let name = tokens.last().map(ToString::to_string);
    look_up(RUST, &name.unwrap_or_default())
}

fn look_up(table: &[(&str, &str)], name: &str) -> Result<String> {
    let row = table.iter().find(|(known, _)| *known == name);
    row.map(|(_, value)| (*value).to_owned())
        .ok_or_else(|| anyhow!("what is the type {name}?"))
}

fn signature(takes: &[String], result: &str) -> String {
    format!("({}) -> {result}", takes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_the_same() {
        let declarations = [
            ("zmq_ctx_new", "extern void *zmq_ctx_new (void);"),
            ("zmq_sleep", "extern void zmq_sleep (int);"),
            (
                "zmq_timers_add",
                "extern int zmq_timers_add (void *, size_t, zmq_timer_fn (*), void *);",
            ),
            (
                "zmq_timers_timeout",
                "extern long int zmq_timers_timeout (void *);",
            ),
        ];
        let declarations = declarations.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let source = r#"
            /// zmq_ctx_new(3).
            #[unsafe(no_mangle)]
            pub extern "C" fn zmq_ctx_new() -> *mut c_void { guard(|| new()) }
            mod inner {
                pub extern "C" fn zmq_sleep(seconds: c_int) { sleep(seconds, 1) }
                pub unsafe extern "C" fn zmq_timers_add(
                    timers: *mut c_void,
                    interval: usize,
                    handler: Option<unsafe extern "C" fn(c_int, *mut c_void)>,
                    arg: *mut c_void,
                ) -> std::ffi::c_int {}
            }
            extern "C" fn forked() {}
            pub unsafe extern "C" fn zmq_timers_timeout(timers: *mut c_void) -> c_long {}
        "#;
        let c = of_c(&declarations.into()).unwrap();
        assert_eq!(c, of_rust(source).unwrap());
        assert_eq!(
            c["zmq_timers_add"],
            "(pointer, size, pointer, pointer) -> int"
        );
    }

    #[test]
    fn an_unknown_type_is_an_error() {
        assert!(of_rust("extern \"C\" fn zmq_x(a: bool) {}").is_err());
        let declaration = ("zmq_x".to_owned(), "extern int zmq_x (char);".to_owned());
        assert!(of_c(&BTreeMap::from([declaration])).is_err());
    }
}
