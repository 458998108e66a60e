//! The page's files, inside the program: so it needs neither a network nor anything built besides.

/// A file of the page.
#[derive(Debug)]
pub(super) struct Asset {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) text: &'static str,
}

macro_rules! assets {
    ($($kind:literal: $($name:literal)+;)+) => {
        &[$($(Asset { name: $name, kind: $kind, text: include_str!(concat!("../../../../web/", $name)) },)+)+]
    };
}

/// All of them.
pub(super) const ASSETS: &[Asset] = assets! {
    "text/html; charset=utf-8": "index.html";
    "text/css; charset=utf-8": "style.css";
    "text/javascript; charset=utf-8": "main.js" "app.js" "answer.js" "dom.js" "files.js" "guard.js" "live.js" "map.js" "operations.js"
        "runner.js" "share.js" "tell.js" "trial.js" "words.js";
};
