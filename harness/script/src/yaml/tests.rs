use super::*;

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source { path: "x.yaml".to_owned(), text: text.to_owned() })
}

fn read(text: &str) -> (Option<Node>, Vec<String>) {
    let mut found = Vec::new();
    let node = parse(&source(text), &mut found);
    (node, found.into_iter().map(|found| found.title).collect())
}

fn spans(node: &Node, text: &str, out: &mut Vec<String>) {
    out.push(text[node.span.start..node.span.end].to_owned());
    match &node.kind {
        NodeKind::Scalar { .. } => {}
        NodeKind::List(items) => items.iter().for_each(|item| spans(item, text, out)),
        NodeKind::Map(members) => members.iter().for_each(|(key, value)| {
            out.push(text[key.span.start..key.span.end].to_owned());
            spans(value, text, out);
        }),
    }
}

#[test]
fn every_node_covers_what_is_written() {
    let text = "a: { x: [1, 'zwö'], y: }  # c\nb:\n  - äö -> c: \"d\"   # e\n    f:\n  - g   # h\n";
    let (node, found) = read(text);
    assert_eq!(found, Vec::<String>::new());
    let mut out = Vec::new();
    spans(&node.unwrap(), text, &mut out);
    assert_eq!(
        out,
        [
            "a: { x: [1, 'zwö'], y: }  # c\nb:\n  - äö -> c: \"d\"   # e\n    f:\n  - g",
            "a",
            "{ x: [1, 'zwö'], y: }",
            "x",
            "[1, 'zwö']",
            "1",
            "'zwö'",
            "y",
            "",
            "b",
            "- äö -> c: \"d\"   # e\n    f:\n  - g",
            "äö -> c: \"d\"   # e\n    f",
            "äö -> c",
            "\"d\"",
            "f",
            "",
            "g",
        ]
    );
}

#[test]
fn what_the_tree_survives_is_told_beside_it() {
    let (node, found) = read("a: &x 1\na: 2\nb: *x\nc: !!int 3\n");
    assert!(node.is_some());
    assert_eq!(
        found,
        [
            "anchors are not part of this language",
            "the key \"a\" stands twice",
            "aliases are not part of this language",
            "tags are not part of this language",
        ]
    );
}

#[test]
fn broken_and_bottomless_files_are_refused() {
    for (text, why) in [
        ("a: 1\n---\nb: 2\n", "a file holds one document"),
        ("", "there is nothing in this file"),
        ("? [a]\n: b\n", "a key is a text"),
    ] {
        let (node, found) = read(text);
        assert!(node.is_none());
        assert_eq!(found, [why]);
    }
    let (node, found) = read(&"[".repeat(100_000));
    assert!(node.is_none());
    assert_eq!(found.len(), 1);
    let (node, found) = read(&format!("[{}]", "a,".repeat(300_000)));
    assert!(node.is_none());
    assert_eq!(found, ["too many values"]);
}
