//! Who is let in, for every combination of what a request can say of itself.

use super::{
    gate::{Gate, Wants},
    http::{BODY, Request, Status},
    operation::Operation,
    process::Job,
};

const PORT: u16 = 4711;
const TOKEN: &str = "00112233445566778899aabbccddeeff";

fn request(method: &str, path: &str, fields: &[(&str, Option<&str>)]) -> Request {
    let said = fields.iter().filter_map(|(name, value)| Some(((*name).to_owned(), (*value)?.to_owned())));
    Request { method: method.to_owned(), path: path.to_owned(), fields: said.collect() }
}

/// Written down by hand: what each of these may say, and whether it is good.
const HOSTS: [(Option<&str>, bool); 9] = [
    (Some("127.0.0.1:4711"), true),
    (Some("localhost:4711"), true),
    (Some("[::1]:4711"), true),
    (Some("127.0.0.1"), false),
    (Some("127.0.0.1:80"), false),
    (Some("evil.example:4711"), false),
    (Some("127.0.0.1:4711.evil.example"), false),
    (Some("0.0.0.0:4711"), false),
    (None, false),
];
const ORIGINS: [(Option<&str>, bool); 5] = [
    (None, true),
    (Some("OURS"), true),
    (Some("null"), false),
    (Some("https://evil.example"), false),
    (Some("http://127.0.0.1:80"), false),
];
const SITES: [(Option<&str>, bool); 5] = [
    (None, true),
    (Some("same-origin"), true),
    (Some("same-site"), false),
    (Some("cross-site"), false),
    (Some("none"), false),
];
const TOKENS: [(Option<&str>, bool); 5] = [
    (Some(TOKEN), true),
    (None, false),
    (Some(""), false),
    (Some("00112233445566778899aabbccddeef0"), false),
    (Some("00112233445566778899aabbccddeeff00"), false),
];
const METHODS: [(&str, bool); 6] =
    [("POST", true), ("PUT", false), ("OPTIONS", false), ("DELETE", false), ("HEAD", false), ("TRACE", false)];

#[test]
fn only_what_is_good_in_everything_runs() {
    let gate = Gate::with_token(PORT, TOKEN);
    let (mut asked, mut let_in) = (0, 0);
    for (host, good_host) in HOSTS {
        for (origin, good_origin) in ORIGINS {
            for (site, good_site) in SITES {
                for (token, good_token) in TOKENS {
                    for (method, good_method) in METHODS {
                        let ours = format!("http://{}", host.unwrap_or_default());
                        let origin = origin.map(|origin| if origin == "OURS" { ours.as_str() } else { origin });
                        let request = request(
                            method,
                            "/api/run",
                            &[
                                ("host", host),
                                ("origin", origin),
                                ("sec-fetch-site", site),
                                ("x-provost-token", token),
                                ("content-type", Some("application/json")),
                                ("content-length", Some("2")),
                            ],
                        );
                        let good = good_host && good_origin && good_site && good_token && good_method;
                        let answer = gate.check(&request);
                        assert_eq!(matches!(answer, Ok(Wants::Run)), good, "{request:?}: {answer:?}");
                        if !good_host {
                            assert_eq!(answer.unwrap_err(), Status::Misdirected, "{request:?}");
                        }
                        asked += 1;
                        let_in += usize::from(good);
                    }
                }
            }
        }
    }
    // Three names, each with or without origin, with or without site.
    assert_eq!((asked, let_in), (9 * 5 * 5 * 5 * 6, 3 * 2 * 2));
}

#[test]
fn the_page_is_for_those_who_come_from_it_or_from_nowhere() {
    let gate = Gate::with_token(PORT, TOKEN);
    for (site, good) in [
        (None, true),
        (Some("none"), true),
        (Some("same-origin"), true),
        (Some("cross-site"), false),
        (Some("same-site"), false),
    ] {
        let request = request("GET", "/", &[("host", Some("localhost:4711")), ("sec-fetch-site", site)]);
        assert_eq!(gate.check(&request).is_ok(), good, "{site:?}");
    }
    for path in ["/../Cargo.toml", "/etc/passwd", "//", "/index.html/..", "/api/run", "/?x", "/main.js?token=1"] {
        let request = request("GET", path, &[("host", Some("localhost:4711"))]);
        assert_eq!(gate.check(&request).unwrap_err(), Status::NotFound, "{path}");
    }
    let twice = request("GET", "/", &[("host", Some("localhost:4711")), ("host", Some("evil.example"))]);
    assert_eq!(gate.check(&twice).unwrap_err(), Status::Malformed);
}

#[test]
fn a_body_has_a_length_and_no_more_than_that() {
    let large = (BODY + 1).to_string();
    for (fields, status) in [
        (vec![], Status::NoLength),
        (vec![("content-length", Some("1")), ("transfer-encoding", Some("chunked"))], Status::NoLength),
        (vec![("content-length", Some("-1"))], Status::Malformed),
        (vec![("content-length", Some("1")), ("content-length", Some("2"))], Status::Malformed),
        (vec![("content-length", Some(large.as_str()))], Status::TooLarge),
    ] {
        assert_eq!(request("POST", "/api/run", &fields).length().unwrap_err(), status, "{fields:?}");
    }
}

/// Every operation that can be asked for, with everything in it that could name a chip: only the one that looks does.
#[test]
fn no_operation_reaches_a_real_chip_but_the_one_that_looks() {
    let bench = r#""bench":["nrst=not-wired"],"part":"STM32H533""#;
    let all = [
        r#"{"do":"diagnose","inputs":["a.log"],"strike":[1,2],"before":3}"#.to_owned(),
        r#"{"do":"ask","answers":["1"]}"#.to_owned(),
        r#"{"do":"map"}"#.to_owned(),
        r#"{"do":"twins"}"#.to_owned(),
        r#"{"do":"version"}"#.to_owned(),
        r#"{"do":"new","like":"d.json","preset":null}"#.to_owned(),
        r#"{"do":"try","step":"erase:flash","bench":["nrst=not-wired"]}"#.to_owned(),
        r#"{"do":"live"}"#.to_owned(),
        r#"{"do":"history"}"#.to_owned(),
    ];
    let on_twin =
        ["look", "inside", "status", "plan", "rescue", "discover"].map(|word| format!(r#"{{"do":"{word}",{bench}}}"#));
    for text in all.iter().chain(&on_twin) {
        let operation = Operation::read(serde_json::from_str(text).unwrap()).unwrap();
        let line = operation.arguments(Some("1234:5678"));
        let probes: Vec<&String> =
            line.iter().zip(line.iter().skip(1)).filter(|(a, _)| *a == "--probe").map(|(_, b)| b).collect();
        if operation == Operation::History {
            assert_eq!(line, ["history", "--json"]);
        } else if operation.is_on_desk() {
            assert_eq!(line, ["status", "--json", "--probe", "1234:5678"]);
        } else {
            assert!(probes.iter().all(|probe| probe.starts_with("twin:board.chip")), "{line:?}");
            assert!(!line.iter().any(|word| word.contains("1234") || word == "--uart"), "{line:?}");
            // Without a probe named, the only one attached would be meant.
            let needs_none = ["diagnose", "explain", "twin", "--version"].contains(&line[0].as_str());
            assert!(!probes.is_empty() || needs_none, "{line:?}");
        }
        // As the program itself reads it.
        let parsed =
            crate::cli::command().try_get_matches_from(std::iter::once("provost".to_owned()).chain(line.clone()));
        let asks_for_version = line == ["--version"];
        assert!(parsed.is_ok() || asks_for_version, "{line:?}");
    }
    for text in [
        r#"{"do":"rescue","probe":"1234:5678"}"#,
        r#"{"do":"rescue","bench":["x=1,probe=2"]}"#,
        r#"{"do":"rescue","part":"--uart=x"}"#,
        r#"{"do":"diagnose","inputs":["--probe=1234:5678"]}"#,
        r#"{"do":"diagnose","inputs":["../../etc/passwd"]}"#,
        r#"{"do":"diagnose","inputs":["/etc/passwd"]}"#,
        r#"{"do":"new","like":"..","preset":null}"#,
        r#"{"do":"close"}"#,
        r#"{"do":"live","probe":"x"}"#,
        r#"{}"#,
        r#"[]"#,
    ] {
        let value = serde_json::from_str(text).unwrap();
        let read = Operation::read(value).map(|operation| operation.arguments(None));
        let harmless = read.as_ref().is_ok_and(|line| !line.iter().any(|word| word.contains("1234")));
        assert!(read.is_err() || harmless, "{text}: {read:?}");
    }
}

#[test]
fn files_stay_in_their_folder() {
    for path in ["../x", "/x", "a/../x", "a/./../../x", "", "C:x", "a\\..\\x", "./x"] {
        let body = serde_json::json!({ "operation": { "do": "map" }, "files": [[path, "AA=="]] }).to_string();
        assert!(Job::read(body.as_bytes()).is_err(), "{path}");
    }
    let body = serde_json::json!({ "operation": { "do": "map" }, "files": [["a/b", "AA=="], ["c", null]] }).to_string();
    assert!(Job::read(body.as_bytes()).is_ok());
    for body in
        ["", "x", "{}", r#"{"operation":{"do":"map"},"files":[["a","%"]]}"#, r#"{"operation":{"do":"map"},"more":1}"#]
    {
        assert!(Job::read(body.as_bytes()).is_err(), "{body}");
    }
}
