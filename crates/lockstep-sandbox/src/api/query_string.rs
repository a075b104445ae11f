//! The query of an address: `filter[title][_eq]=a&fields[]=id` as nested values.
//!
//! The grammar is that of the npm package `qs` with Directus' limits. Values stay text.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// Parameters after these are not read.
const MOST_PARAMETERS: usize = 1000;
/// Brackets deeper than this are part of the name.
const DEEPEST: usize = 10;
/// A larger index is a name.
const LARGEST_INDEX: usize = 100;

/// One step into a value.
enum Step {
    Push,
    Index(usize),
    Name(String),
}

enum Node {
    Empty,
    Text(String),
    List(Vec<(usize, Node)>),
    Map(Vec<(String, Node)>),
}

/// The parameters of a query.
pub(crate) fn parse(query: &str) -> Map<String, Value> {
    let mut root = Node::Map(Vec::new());
    for part in query.split('&').filter(|part| !part.is_empty()).take(MOST_PARAMETERS) {
        let at = part.find("]=").map(|at| at + 1).or_else(|| part.find('='));
        let (name, value) = match at {
            Some(at) => (&part[..at], &part[at + 1..]),
            None => (part, ""),
        };
        let steps = steps(&decode(name));
        if !steps.is_empty() {
            root.insert(&steps, decode(value));
        }
    }
    match root.into_value() {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Percent-encoded text with `+` for a space; what is not well encoded stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    let is_code =
        |rest: &str| rest.as_bytes().get(..2).is_some_and(|it| it.iter().all(u8::is_ascii_hexdigit));
    let well_encoded = text.split('%').skip(1).all(is_code);
    match percent_decode_str(&text).decode_utf8() {
        Ok(decoded) if well_encoded => decoded.into_owned(),
        _ => text,
    }
}

fn steps(name: &str) -> Vec<Step> {
    let (first, mut rest) = match name.find('[') {
        Some(at) => name.split_at(at),
        None => (name, ""),
    };
    let mut steps = Vec::new();
    if !first.is_empty() {
        steps.push(Step::Name(first.into()));
    }
    let mut depth = 0;
    while let Some(inner) = rest.strip_prefix('[') {
        let Some((inside, after)) = inner.split_once(']') else { break };
        if depth == DEEPEST {
            steps.push(Step::Name(rest.into()));
            return steps;
        }
        steps.push(match inside.parse::<usize>() {
            _ if inside.is_empty() => Step::Push,
            // `01` is a name.
            Ok(index) if index <= LARGEST_INDEX && index.to_string() == inside => Step::Index(index),
            _ => Step::Name(inside.into()),
        });
        depth += 1;
        rest = after;
    }
    // The first is a name whatever it looks like.
    if let Some(step) = steps.first_mut() {
        match step {
            Step::Push => *step = Step::Name(String::new()),
            Step::Index(index) => *step = Step::Name(index.to_string()),
            Step::Name(_) => {}
        }
    }
    steps
}

impl Node {
    fn insert(&mut self, steps: &[Step], value: String) {
        let Some((step, rest)) = steps.split_first() else { return self.add(Node::Text(value)) };
        match (&mut *self, step) {
            (Node::Empty, Step::Name(_)) => *self = Node::Map(Vec::new()),
            (Node::Empty, _) => *self = Node::List(Vec::new()),
            (Node::Text(_), _) => {
                let before = std::mem::replace(self, Node::Empty);
                *self = Node::List(vec![(0, before)]);
                if matches!(step, Step::Name(_)) {
                    let mut inner = Node::Empty;
                    inner.insert(steps, value);
                    return self.add(inner);
                }
            }
            (Node::List(list), Step::Name(_)) => {
                let list = std::mem::take(list);
                *self = Node::Map(list.into_iter().map(|(index, node)| (index.to_string(), node)).collect());
            }
            _ => {}
        }
        match (self, step) {
            (Node::List(list), step) => {
                let index = match step {
                    Step::Index(index) => *index,
                    _ => next(list),
                };
                let at = list.iter().position(|(it, _)| *it == index).unwrap_or_else(|| {
                    list.push((index, Node::Empty));
                    list.len() - 1
                });
                list[at].1.insert(rest, value);
            }
            (Node::Map(map), step) => {
                let name = match step {
                    Step::Name(name) => name.clone(),
                    Step::Index(index) => index.to_string(),
                    Step::Push => map.len().to_string(),
                };
                let at = map.iter().position(|(it, _)| *it == name).unwrap_or_else(|| {
                    map.push((name, Node::Empty));
                    map.len() - 1
                });
                map[at].1.insert(rest, value);
            }
            (Node::Empty | Node::Text(_), _) => {}
        }
    }

    /// What is said twice is a list.
    fn add(&mut self, node: Node) {
        match self {
            Node::Empty => *self = node,
            Node::Text(_) => {
                let before = std::mem::replace(self, Node::Empty);
                *self = Node::List(vec![(0, before), (1, node)]);
            }
            Node::List(list) => list.push((next(list), node)),
            Node::Map(_) => {}
        }
    }

    fn into_value(self) -> Value {
        match self {
            Node::Empty => Value::Null,
            Node::Text(text) => text.into(),
            Node::List(mut list) => {
                list.sort_by_key(|(index, _)| *index);
                list.into_iter().map(|(_, node)| node.into_value()).collect()
            }
            Node::Map(map) => {
                map.into_iter().map(|(name, node)| (name, node.into_value())).collect::<Map<_, _>>().into()
            }
        }
    }
}

fn next(list: &[(usize, Node)]) -> usize {
    list.iter().map(|(index, _)| index + 1).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(query: &str, expected: Value) {
        assert_eq!(Value::Object(parse(query)), expected, "{query}");
    }

    #[test]
    fn names_and_values() {
        check("", json!({}));
        check("a=1&b=&c", json!({"a": "1", "b": "", "c": ""}));
        check("a=x+y%20z%26&b=%C3%A4", json!({"a": "x y z&", "b": "ä"}));
        check("a=1=2", json!({"a": "1=2"}));
        check("filter=%7B%22a%22%3A1%7D", json!({"filter": "{\"a\":1}"}));
    }

    #[test]
    fn brackets() {
        check("filter[a][_eq]=1", json!({"filter": {"a": {"_eq": "1"}}}));
        check("filter%5Ba%5D%5B_eq%5D=1", json!({"filter": {"a": {"_eq": "1"}}}));
        check("deep[x][_limit]=2&deep[x][_sort]=a", json!({"deep": {"x": {"_limit": "2", "_sort": "a"}}}));
        check("aggregate[count]=*", json!({"aggregate": {"count": "*"}}));
        check(
            "filter[_and][0][a][_eq]=1&filter[_and][1][b][_in][]=2",
            json!({
                "filter": {"_and": [{"a": {"_eq": "1"}}, {"b": {"_in": ["2"]}}]}
            }),
        );
    }

    #[test]
    fn lists() {
        check("fields[]=a&fields[]=b", json!({"fields": ["a", "b"]}));
        check("fields=a&fields=b&fields=c", json!({"fields": ["a", "b", "c"]}));
        check("fields[1]=b&fields[0]=a", json!({"fields": ["a", "b"]}));
        check("fields[7]=b", json!({"fields": ["b"]}));
        check("fields[101]=b", json!({"fields": {"101": "b"}}));
        check("a[01]=b", json!({"a": {"01": "b"}}));
        check("a[]=b&a[c]=d", json!({"a": {"0": "b", "c": "d"}}));
        check("a=b&a[]=c", json!({"a": ["b", "c"]}));
    }

    #[test]
    fn oddities_do_no_harm() {
        check("[]=a", json!({"": "a"}));
        check("[a]=b", json!({"a": "b"}));
        check("a[=b", json!({"a": "b"}));
        check("=a&&", json!({}));
        check("a=1&a[b]=2", json!({"a": ["1", {"b": "2"}]}));
        check("a[b]=1&a=2", json!({"a": {"b": "1"}}));
        // What is not well encoded stays as it is.
        check("%ff=%ff", json!({"%ff": "%ff"}));
        check("a=%22%&b=%zz+%41&c=%4", json!({"a": "%22%", "b": "%zz %41", "c": "%4"}));
        let deep = format!("a{}=1", "[b]".repeat(1000));
        let mut value = &Value::Object(parse(&deep));
        let mut depth = 0;
        while let Some((_, inner)) = value.as_object().and_then(|map| map.iter().next()) {
            value = inner;
            depth += 1;
        }
        assert_eq!(depth, 12);
        assert_eq!(parse(&"a=1&".repeat(5000))["a"].as_array().map(Vec::len), Some(1000));
    }
}
