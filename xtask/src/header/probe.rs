//! What the compiler tells of a header, and the program that asks it for values.

use std::collections::BTreeMap;
use std::path::Path;

/// A macro as it is defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Macro {
    /// Its name, without parameters.
    pub name: String,
    /// How many parameters it takes; `None` if it is not called.
    pub parameters: Option<usize>,
    /// What it stands for; may be empty.
    pub body: String,
}

/// A struct, with its members and their types.
struct Struct {
    name: &'static str,
    members: &'static [(&'static str, &'static str)],
    draft: bool,
}

const STRUCTS: &[Struct] = &[
    Struct {
        name: "zmq_msg_t",
        members: &[],
        draft: false,
    },
    Struct {
        name: "zmq_pollitem_t",
        members: &[
            ("socket", "void *"),
            ("fd", "int"),
            ("events", "short"),
            ("revents", "short"),
        ],
        draft: false,
    },
    Struct {
        name: "zmq_poller_event_t",
        members: &[
            ("socket", "void *"),
            ("fd", "int"),
            ("user_data", "void *"),
            ("events", "short"),
        ],
        draft: true,
    },
];

/// Other types and what they are.
const TYPES: &[(&str, &str)] = &[
    ("zmq_fd_t *", "int *"),
    ("struct zmq_msg_t *", "zmq_msg_t *"),
    ("struct zmq_pollitem_t *", "zmq_pollitem_t *"),
    ("zmq_free_fn *", "void (*) (void *, void *)"),
    ("zmq_timer_fn *", "void (*) (int, void *)"),
    ("zmq_thread_fn *", "void (*) (void *)"),
];

impl Macro {
    /// The macros that the file `header` leaves defined. `text` is what the preprocessor prints
    /// with `-dD`: lines of definitions among lines that tell which file they are from.
    pub fn all(text: &str, header: &Path) -> Vec<Self> {
        let mut found: BTreeMap<String, Self> = BTreeMap::new();
        let mut inside = false;
        for line in text.lines() {
            if let Some(marker) = line.strip_prefix("# ") {
                let file = marker.split('"').nth(1).unwrap_or_default();
                inside = Path::new(file) == header;
            } else if let Some(name) = line.strip_prefix("#undef ") {
                found.remove(name.trim());
            } else if let Some(definition) = line.strip_prefix("#define ").filter(|_| inside) {
                let one = Self::parse(definition);
                found.insert(one.name.clone(), one);
            }
        }
        found.into_values().collect()
    }

    fn parse(definition: &str) -> Self {
        let end = definition.find([' ', '(']).unwrap_or(definition.len());
        let (name, rest) = definition.split_at(end);
        let (parameters, body) = match rest.strip_prefix('(') {
            None => (None, rest),
            Some(rest) => {
                let (list, body) = rest.split_once(')').unwrap_or((rest, ""));
                (Some(list.split(',').count()), body)
            }
        };
        Self {
            name: name.to_owned(),
            parameters,
            body: body.trim().to_owned(),
        }
    }

    /// The macro in use. Parameters are 1, 2, 3 …
    fn expression(&self) -> String {
        let Some(count) = self.parameters else {
            return self.name.clone();
        };
        let numbers: Vec<String> = (1..=count).map(|n| n.to_string()).collect();
        format!("{} ({})", self.name, numbers.join(", "))
    }
}

/// The functions of `header` in a list that gcc wrote with `-aux-info`, each with its type.
pub fn declarations(list: &str, header: &Path) -> BTreeMap<String, String> {
    let place = format!("/* {}:", header.display());
    let lines = list.lines().filter(|line| line.starts_with(&place));
    lines
        .filter_map(|line| {
            let declaration = line.split_once("*/ ")?.1;
            let head = declaration.split(" (").next()?;
            let name = head.rsplit([' ', '*']).next()?;
            Some((name.to_owned(), declaration.to_owned()))
        })
        .collect()
}

/// A C program that prints `NAME = VALUE` for each macro with a body, and for sizes, alignments
/// and places of types. It compiles only if members and types are those in the tables here.
pub fn program(macros: &[Macro], drafts: bool) -> String {
    let mut text = String::from(
        "#include <stddef.h>\n\
         #include <stdio.h>\n\
         #include <zmq.h>\n\
         static void number (const char *name, long long value)\n\
         {\n    printf (\"%s = %lld\\n\", name, value);\n}\n\
         static void text (const char *name, const char *value)\n\
         {\n    printf (\"%s = \\\"%s\\\"\\n\", name, value);\n}\n\
         #define SHOW(x) _Generic ((x), char *: text, default: number) (#x, (x))\n\
         #define SAME(x, type) (void) _Generic ((x), type: 0)\n\
         int main (void)\n{\n    text (\"probe\", \"runs\");\n",
    );
    for one in macros.iter().filter(|one| !one.body.is_empty()) {
        let expression = one.expression();
        // SHOW would print the value in place of the name.
        text += &format!(
            "    _Generic (({expression}), char *: text, default: number) \
             (\"{expression}\", ({expression}));\n"
        );
    }
    for one in STRUCTS.iter().filter(|one| drafts || !one.draft) {
        let Struct { name, members, .. } = one;
        text += &format!("    SHOW (sizeof ({name}));\n    SHOW (_Alignof ({name}));\n");
        for (member, of_type) in *members {
            text += &format!("    SHOW (offsetof ({name}, {member}));\n");
            text += &format!("    SAME ((({name} *) 0)->{member}, {of_type});\n");
        }
    }
    for (name, of_type) in TYPES {
        text += &format!("    SAME (({name}) 0, {of_type});\n");
    }
    text + "    return 0;\n}\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_macros_of_one_file() {
        let text = "\
# 1 \"/usr/include/errno.h\" 1 3 4
#define EFAR 1
# 2 \"/our/zmq.h\" 2
#define ZMQ_EXPORT __attribute__ ((visibility (\"default\")))
#define ZMQ_MAKE_VERSION(major,minor,patch) ((major) * 10000)
#define ZMQ_PAIR 0
#define ZMQ_HAVE_TIMERS
#undef ZMQ_EXPORT
int zmq_errno (void);
";
        let one = |name: &str, parameters, body: &str| Macro {
            name: name.to_owned(),
            parameters,
            body: body.to_owned(),
        };
        let macros = Macro::all(text, Path::new("/our/zmq.h"));
        assert_eq!(
            macros,
            [
                one("ZMQ_HAVE_TIMERS", None, ""),
                one("ZMQ_MAKE_VERSION", Some(3), "((major) * 10000)"),
                one("ZMQ_PAIR", None, "0"),
            ]
        );
        assert_eq!(macros[1].expression(), "ZMQ_MAKE_VERSION (1, 2, 3)");
    }

    #[test]
    fn takes_the_functions_of_one_file() {
        let list = "\
/* compiled from: . */
/* /usr/include/stdio.h:1:NC */ extern int puts (const char *);
/* /our/zmq.h:9:NC */ extern void *zmq_ctx_new (void);
/* /our/zmq.h:12:NC */ extern int zmq_msg_init_data (zmq_msg_t *, void *, size_t, zmq_free_fn *, void *);
";
        let found = declarations(list, Path::new("/our/zmq.h"));
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            ["zmq_ctx_new", "zmq_msg_init_data"]
        );
        assert_eq!(found["zmq_ctx_new"], "extern void *zmq_ctx_new (void);");
    }
}
