//! The one layout.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

use proptest::prelude::*;
use tenantry_file::{SourceText, format};

fn tidy(text: &str) -> String {
    format(&SourceText::new("tenantry.toml", text)).unwrap()
}

#[test]
fn the_language_page_is_laid_out() {
    let once = tidy(include_str!("language.toml"));
    insta::assert_snapshot!(once);
    assert_eq!(once, tidy(&once));
}

#[test]
fn comments_stay_where_they_belong() {
    let text = "# About this file.\n#   Second line.\n\n\n\n  # The table.\n[table.b]   # beside b\nsource='main.b'#why\n\
                \n\n# above shared\nshared   =   \"true\"\nfields={a='allow',b=\"deny\"}\n\
                [[source.main.role.x.notes]]\nrule = \"L1\"  \nreason=\"r\"\nuntil=\"2030-01-01\"\n\
                [source.main] # the source\nurl = \"sqlite:a.db\"\n\n[platform]\nfriendly_name=\"x\"\n# the very end\n";
    let once = tidy(text);
    insta::assert_snapshot!(once);
    assert_eq!(once, tidy(&once));
}

#[test]
fn values_with_comments_inside_stay() {
    let text = "[role.a]\ntools = [ # all\n  \"a.query\",   # one\n  \"b.query\"\n]\n";
    assert_eq!(tidy(text), text);
}

#[test]
fn long_lists_stand_one_a_line() {
    let tools: Vec<String> = (0..20).map(|n| format!("\"table_{n}.query\"")).collect();
    let once = tidy(&format!("[role.a]\ntools = [{}]\n", tools.join(",")));
    assert!(once.lines().count() == 23 && once.lines().all(|line| line.len() <= 120), "{once}");
    assert_eq!(once, tidy(&once));
}

#[test]
fn broken_text_is_refused_not_guessed() {
    assert!(format(&SourceText::new("a.toml", "[table\n")).is_err());
    assert!(format(&SourceText::new("a.toml", "a = 1\na = 2\n")).is_err());
    assert!(format(&SourceText::new("a.json", "{}")).is_err());
}

fn blanks() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), Just(" ".to_owned()), Just("\t ".to_owned()), Just("   ".to_owned())]
}

fn gap() -> impl Strategy<Value = String> {
    let line = prop_oneof![Just(""), Just("   "), Just("# a comment"), Just("  #b"), Just("# with = [signs] {here}")];
    proptest::collection::vec(line, 0..4).prop_map(|lines| lines.iter().map(|line| format!("{line}\n")).collect())
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("true".to_owned()),
        Just("-12".to_owned()),
        Just("0x1F".to_owned()),
        Just("1.50".to_owned()),
        Just("\"text # no comment\"".to_owned()),
        Just("'lit'".to_owned()),
        Just("\"\"\"\nlong\n  text # x\n\"\"\"".to_owned()),
        Just("\"a  =  'x'  and not b IN ('y')\"".to_owned()),
        Just("1979-05-27T07:32:00Z".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            (proptest::collection::vec(inner.clone(), 0..4), blanks(), gap()).prop_map(|(items, blank, gap)| {
                let inner: Vec<String> = items.iter().map(|item| format!("{blank}{item}{blank}")).collect();
                format!("[\n{gap}{}{blank}]", inner.join(","))
            }),
            (proptest::collection::vec(inner, 0..3), blanks()).prop_map(|(items, blank)| {
                let inner: Vec<String> = items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| format!("{blank}k{at}{blank}={blank}{item}{blank}"))
                    .collect();
                format!("{{{}}}", inner.join(","))
            }),
        ]
    })
}

prop_compose! {
    fn section()(
        name in prop_oneof![
            Just("table.orders"), Just("table.plans"), Just("table.orders.write"), Just("table.orders.permit.p"),
            Just("source.main"), Just("platform"), Just("role.\"a b\""), Just("account.acme.workspace.prod"), Just("unknown.x"),
        ],
        above in gap(), indent in blanks(), blank in blanks(),
        beside in prop_oneof![Just(""), Just("#c"), Just("# c  ")],
        entries in proptest::collection::vec((gap(), blanks(), value(), prop_oneof![Just("k"), Just("d.e"), Just("'q k'"), Just("when"), Just("shared")]), 0..4),
    ) -> (String, String) {
        let mut text = format!("{above}{indent}[{blank}{name}{blank}]{blank}{beside}\n");
        for (at, (gap, blank, value, key)) in entries.into_iter().enumerate() {
            let key = if key == "when" || key == "shared" { key.to_owned() } else { format!("x{at}.{key}") };
            if text.contains(&format!("{key} =")) { continue; }
            text.push_str(&format!("{gap}{blank}{key} ={blank}{value}{blank}# beside {at}\n"));
        }
        (name.to_owned(), text)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn formatting_twice_changes_nothing(sections in proptest::collection::vec(section(), 0..6), end in gap(), crlf in any::<bool>()) {
        let mut seen = Vec::new();
        let mut text = String::new();
        for (name, section) in sections {
            if !seen.contains(&name) {
                seen.push(name);
                text.push_str(&section);
            }
        }
        text.push_str(&end);
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let once = format(&SourceText::new("a.toml", text.as_str()));
        prop_assume!(once.is_ok());
        let once = once.unwrap();
        let twice = format(&SourceText::new("a.toml", once.as_str())).unwrap();
        prop_assert_eq!(&once, &twice);
        // No comment is lost.
        prop_assert_eq!(text.matches("# beside").count(), once.matches("# beside").count());
        prop_assert_eq!(text.matches("# a comment").count(), once.matches("# a comment").count());
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}=\"'#.a-c\n\\\\ ,0-9]{0,80}") {
        let source = SourceText::new("a.toml", text.as_str());
        let _ = format(&source);
        let _ = tenantry_file::load(vec![source, SourceText::new("b.json", ["{", &text].concat())]);
    }
}
