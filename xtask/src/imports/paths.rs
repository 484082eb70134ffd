//! The paths a source file names.

use std::path::Path;
use std::str::FromStr;

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One file, without its test modules.
#[derive(Debug)]
pub struct Source {
    /// The file below `src`.
    pub file: String,
    /// Its module, from the crate's root.
    pub module: Vec<String>,
    /// Every path it names, in imports and elsewhere; `self` and `super` are resolved.
    pub named: Vec<Named>,
    /// Its imports alone.
    pub imports: Vec<Named>,
    /// Modules it declares for tests only.
    pub test_modules: Vec<Vec<String>>,
}

/// A path of one or more names; the first is `crate`, another crate, or something in scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub path: Vec<String>,
    /// The name an import gives it.
    pub alias: String,
    /// Line of its first name.
    pub line: usize,
}

impl Source {
    /// Reads the file `below` the crate's `src`.
    pub fn parse(below: &Path, text: &str) -> Result<Self> {
        let tokens = TokenStream::from_str(text).map_err(|e| anyhow!("{e}"))?;
        let module = module_of(below);
        let mut source = Self {
            file: below.display().to_string(),
            module: module.clone(),
            named: Vec::new(),
            imports: Vec::new(),
            test_modules: Vec::new(),
        };
        source.walk(&tokens.into_iter().collect::<Vec<_>>(), &module);
        Ok(source)
    }

    fn walk(&mut self, tokens: &[TokenTree], module: &[String]) {
        let mut i = 0;
        while i < tokens.len() {
            let rest = &tokens[i..];
            if let Some((len, test_only)) = attribute(rest) {
                i += len;
                if test_only {
                    i += self.skip_item(&tokens[i..], module);
                }
            } else if let Some((name, body)) = inline_module(rest) {
                let inner = [module, &[name]].concat();
                self.walk(&body, &inner);
                i += 3;
            } else if is_import(rest) {
                let end = position(rest, ';').unwrap_or(rest.len());
                let mut found = Vec::new();
                expand(&rest[1..end], &[], None, &mut found);
                for mut named in found {
                    resolve(&mut named.path, module);
                    self.imports.push(named.clone());
                    self.named.push(named);
                }
                i += end;
            } else if let Some((mut named, len)) = path(rest) {
                resolve(&mut named.path, module);
                self.named.push(named);
                i += len;
            } else {
                if let TokenTree::Group(group) = &rest[0] {
                    self.walk(&group.stream().into_iter().collect::<Vec<_>>(), module);
                }
                i += 1;
            }
        }
    }

    /// How many tokens the item takes that starts here, behind its `cfg(test)`.
    fn skip_item(&mut self, tokens: &[TokenTree], module: &[String]) -> usize {
        if let [
            TokenTree::Ident(word),
            TokenTree::Ident(name),
            TokenTree::Punct(end),
            ..,
        ] = tokens
            && word == "mod"
            && end.as_char() == ';'
        {
            let name = name.to_string();
            self.test_modules.push([module, &[name]].concat());
        }
        let ends = |token: &TokenTree| match token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            _ => false,
        };
        tokens
            .iter()
            .position(ends)
            .map_or(tokens.len(), |end| end + 1)
    }
}

/// `pattern/push.rs` is `pattern::push`, `pattern/mod.rs` is `pattern`, `lib.rs` is the root.
fn module_of(below: &Path) -> Vec<String> {
    let path = below.with_extension("");
    let mut names: Vec<String> = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let is_folder = matches!(
        names.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    );
    if is_folder {
        names.pop();
    }
    names
}

/// Length of the attribute that starts here, and whether it keeps its item for tests.
fn attribute(tokens: &[TokenTree]) -> Option<(usize, bool)> {
    let hash = matches!(tokens.first()?, TokenTree::Punct(p) if p.as_char() == '#');
    let inner = matches!(tokens.get(1)?, TokenTree::Punct(p) if p.as_char() == '!');
    let at = 1 + usize::from(inner);
    match tokens.get(at)? {
        TokenTree::Group(group) if hash && group.delimiter() == Delimiter::Bracket => {
            let inside: Vec<TokenTree> = group.stream().into_iter().collect();
            Some((at + 1, is_cfg_test(&inside)))
        }
        _ => None,
    }
}

/// `cfg(test)` or `cfg(all(test, …))`.
fn is_cfg_test(tokens: &[TokenTree]) -> bool {
    fn requires_test(tokens: TokenStream) -> bool {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        tokens.iter().enumerate().any(|(i, token)| match token {
            TokenTree::Ident(word) if word == "test" => true,
            TokenTree::Ident(word) if word == "all" => match tokens.get(i + 1) {
                Some(TokenTree::Group(group)) => requires_test(group.stream()),
                _ => false,
            },
            _ => false,
        })
    }
    match tokens {
        [TokenTree::Ident(word), TokenTree::Group(group)] => {
            word == "cfg" && requires_test(group.stream())
        }
        _ => false,
    }
}

fn inline_module(tokens: &[TokenTree]) -> Option<(String, Vec<TokenTree>)> {
    match tokens {
        [
            TokenTree::Ident(word),
            TokenTree::Ident(name),
            TokenTree::Group(body),
            ..,
        ] if word == "mod" && body.delimiter() == Delimiter::Brace => {
            Some((name.to_string(), body.stream().into_iter().collect()))
        }
        _ => None,
    }
}

/// `use` at the start of an import, not of `use<'a>` in a type.
fn is_import(tokens: &[TokenTree]) -> bool {
    match tokens {
        [TokenTree::Ident(word), next, ..] => {
            word == "use" && !matches!(next, TokenTree::Punct(p) if p.as_char() == '<')
        }
        _ => false,
    }
}

/// Flattens `a::{b, c::{self, d as e}}` into its paths.
fn expand(tokens: &[TokenTree], prefix: &[String], line: Option<usize>, found: &mut Vec<Named>) {
    let comma = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ',');
    for tree in tokens.split(comma) {
        let mut path = prefix.to_vec();
        let mut alias = None;
        let mut line = line;
        let mut grouped = false;
        for token in tree {
            match token {
                TokenTree::Ident(name) => {
                    line = line.or(Some(name.span().start().line));
                    match alias {
                        None if name == "as" => alias = Some(String::new()),
                        None => path.push(name.to_string()),
                        Some(_) => alias = Some(name.to_string()),
                    }
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' => path.push("*".to_owned()),
                TokenTree::Group(group) => {
                    let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                    expand(&inside, &path, line, found);
                    grouped = true;
                }
                _ => {}
            }
        }
        if grouped || tree.is_empty() {
            continue;
        }
        // `a::{self}` names `a`.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        found.push(Named {
            alias: alias.unwrap_or_else(|| path.last().cloned().unwrap_or_default()),
            path,
            line: line.unwrap_or(0),
        });
    }
}

/// The path of at least two names that starts here, and how many tokens it takes.
fn path(tokens: &[TokenTree]) -> Option<(Named, usize)> {
    let TokenTree::Ident(first) = tokens.first()? else {
        return None;
    };
    let mut path = vec![first.to_string()];
    let mut len = 1;
    while let [
        TokenTree::Punct(a),
        TokenTree::Punct(b),
        TokenTree::Ident(name),
        ..,
    ] = &tokens[len..]
        && a.as_char() == ':'
        && b.as_char() == ':'
    {
        path.push(name.to_string());
        len += 3;
    }
    let named = Named {
        alias: String::new(),
        line: first.span().start().line,
        path,
    };
    (named.path.len() > 1).then_some((named, len))
}

/// Replaces `self::…` and `super::…` by the path from the root.
fn resolve(path: &mut Vec<String>, module: &[String]) {
    let ups = path.iter().take_while(|name| *name == "super").count();
    let from_here = path.first().is_some_and(|name| name == "self");
    if ups == 0 && !from_here {
        return;
    }
    let ups_after_self = path
        .iter()
        .skip(1)
        .take_while(|name| *name == "super")
        .count();
    let (dropped, ups) = match from_here {
        true => (1 + ups_after_self, ups_after_self),
        false => (ups, ups),
    };
    let base = &module[..module.len().saturating_sub(ups)];
    let mut absolute = vec!["crate".to_owned()];
    absolute.extend_from_slice(base);
    absolute.extend_from_slice(&path[dropped..]);
    *path = absolute;
}

fn position(tokens: &[TokenTree], punct: char) -> Option<usize> {
    tokens
        .iter()
        .position(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == punct))
}
