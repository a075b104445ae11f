use std::path::Path;

use serde_json::{Value, json};

use crate::dump::json::{Sorted, canonical, parse};

fn text(value: &Value) -> String {
    String::from_utf8(canonical(value)).unwrap()
}

#[test]
fn bytes_are_those_of_javascript() {
    let value = json!({"z": [], "a": {}, "list": [1, {"deep": null}], "text": "\"\\/\u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f}\u{2028}é😀"});
    let expected = "{\n  \"z\": [],\n  \"a\": {},\n  \"list\": [\n    1,\n    {\n      \"deep\": null\n    }\n  ],\n  \
                    \"text\": \"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\u{7f}\u{2028}é😀\"\n}\n";
    assert_eq!(text(&value), expected);
    assert_eq!(text(&json!([])), "[]\n");
}

#[test]
fn numbers_are_those_of_javascript() {
    let cases = [
        ("0", "0"),
        ("-0.0", "0"),
        ("1.0", "1"),
        ("-1.50", "-1.5"),
        ("100.0", "100"),
        ("0.1", "0.1"),
        ("123456.789", "123456.789"),
        ("0.000001", "0.000001"),
        ("0.00000123", "0.00000123"),
        ("0.0000001", "1e-7"),
        ("-1.5e-9", "-1.5e-9"),
        ("1e16", "10000000000000000"),
        ("1.25e20", "125000000000000000000"),
        ("1e21", "1e+21"),
        ("-1.5e300", "-1.5e+300"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("123456789012345678901234567890", "1.2345678901234568e+29"),
        ("9007199254740991", "9007199254740991"),
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775808", "-9223372036854775808"),
    ];
    for (source, expected) in cases {
        let value: Value = serde_json::from_str(source).unwrap();
        assert_eq!(text(&value), format!("{expected}\n"), "{source}");
    }
}

#[test]
fn keys_are_sorted_at_any_depth() {
    let value =
        json!({"b": [{"z": 1, "a": 2}], "B": 0, "_syncId": "x", "10": 1, "9": 2, "01": 3, "é": 4, "a": null});
    let expected = r#"{"9":2,"10":1,"01":3,"B":0,"_syncId":"x","a":null,"b":[{"a":2,"z":1}],"é":4}"#;
    assert_eq!(serde_json::to_string(&Sorted(&value)).unwrap(), expected);
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert_eq!(parse(Path::new("x.json"), b"\xEF\xBB\xBF[]").unwrap(), json!([]));
}

#[test]
fn fractions_keep_their_last_digit() {
    for source in
        ["0.1234567890123456", "31.245270191439438", "2.638344616030823e-256", "122.416294033786585"]
    {
        let value: Value = serde_json::from_str(source).unwrap();
        assert_eq!(value.as_f64(), source.parse().ok(), "{source}");
    }
}
