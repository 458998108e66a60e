//! Who is let in: the browser of the person who started this, from the page that it got here. A pure function of a request's head.

use std::io;

use subtle::ConstantTimeEq as _;

use super::{
    assets::{ASSETS, Asset},
    http::{Request, Status},
};

/// What a request that was let in wants.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wants {
    /// A part of the page.
    Asset(&'static Asset),
    /// An operation.
    Run,
}

/// The gate of one server.
pub(super) struct Gate {
    port: u16,
    token: String,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("port", &self.port).finish_non_exhaustive()
    }
}

impl Gate {
    /// With a new token of 128 bits.
    ///
    /// # Errors
    /// The system has no randomness.
    pub(super) fn new(port: u16) -> io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self { port, token: bytes.iter().map(|byte| format!("{byte:02x}")).collect() })
    }

    #[cfg(test)]
    pub(super) fn with_token(port: u16, token: &str) -> Self {
        Self { port, token: token.to_owned() }
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// What a request wants, if it may have it.
    ///
    /// # Errors
    /// The status that it is answered with.
    pub(super) fn check(&self, request: &Request) -> Result<Wants, Status> {
        // A name that was made to lead here (DNS rebinding) is not one of ours.
        let host = request.field("host")?.unwrap_or_default();
        if !["127.0.0.1", "localhost", "[::1]"].iter().any(|name| host == format!("{name}:{}", self.port)) {
            return Err(Status::Misdirected);
        }
        // Another site's page, in the same browser.
        if request.field("origin")?.is_some_and(|origin| origin != format!("http://{host}")) {
            return Err(Status::Foreign);
        }
        let site = request.field("sec-fetch-site")?;
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/api/run") => {
                if site.is_some_and(|site| site != "same-origin") {
                    return Err(Status::Foreign);
                }
                let token = request.field("x-provost-token")?.unwrap_or_default();
                if !bool::from(token.as_bytes().ct_eq(self.token.as_bytes())) {
                    return Err(Status::NoToken);
                }
                if request.field("content-type")? != Some("application/json") {
                    return Err(Status::NotJson);
                }
                request.length()?;
                Ok(Wants::Run)
            }
            // A person who types the address comes from nowhere.
            ("GET", path) => {
                if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
                    return Err(Status::Foreign);
                }
                let name = if path == "/" { "index.html" } else { path.trim_start_matches('/') };
                ASSETS.iter().find(|asset| asset.name == name).map(Wants::Asset).ok_or(Status::NotFound)
            }
            (_, "/api/run") => Err(Status::Method),
            ("POST", _) => Err(Status::NotFound),
            _ => Err(Status::Method),
        }
    }
}
