//! A host that checks nothing: keys and certificates made as wrong as one likes, sent word by word.

use provost_adac::{
    certificate::{Certificate, Role},
    challenge::{AuthStart, Challenge},
    key::{PrivateKey, Signer as _},
    packet::{Command, Request, Response, Status, bytes_to_words},
    permission::PermissionMask,
    scope::Scope,
    tlv::{Padding, TypeId, Writer},
    token::Token,
};
use provost_bench::Bench;
use provost_ops::{
    debug_auth::{Mailbox, discover},
    identify::identify,
};
use provost_twin::board::VirtualBoard;

pub struct Keys {
    pub root: PrivateKey,
    pub intermediate: PrivateKey,
    pub leaf: PrivateKey,
}

impl Keys {
    pub fn new(seed: u8) -> Self {
        let key = |n: u8| PrivateKey::from_scalar(&[seed + n; 32]).unwrap();
        Self { root: key(0), intermediate: key(1), leaf: key(2) }
    }

    pub fn root(&self) -> Certificate {
        Certificate::builder(Role::Root).self_sign(&self.root).unwrap()
    }

    pub fn intermediate(&self, scope: Scope) -> Certificate {
        let key = self.intermediate.public_key();
        Certificate::builder(Role::Intermediate).scope(scope).sign(&key, &self.root).unwrap()
    }

    pub fn leaf(&self, scope: Scope, mask: PermissionMask) -> Certificate {
        let builder = Certificate::builder(Role::Leaf).scope(scope).permissions(mask);
        builder.sign(&self.leaf.public_key(), &self.intermediate).unwrap()
    }

    pub fn chain(&self) -> Vec<Certificate> {
        let all = PermissionMask::STM32H5;
        vec![self.root(), self.intermediate(Scope::STANDARD), self.leaf(Scope::STANDARD, all)]
    }

    pub fn chain_with_leaf(&self, scope: Scope, mask: PermissionMask) -> Vec<Certificate> {
        vec![self.root(), self.intermediate(Scope::STANDARD), self.leaf(scope, mask)]
    }
}

/// One session with the chip, word by word: a host that checks nothing.
pub struct Talk {
    bench: Bench,
    mailbox: Mailbox,
}

impl Talk {
    pub fn begin(board: &VirtualBoard) -> Self {
        let mut bench = Bench::on_board(board.clone());
        identify(&mut bench.session).unwrap();
        let mailbox = discover(&mut bench.session).unwrap().mailbox;
        Self { bench, mailbox }
    }

    pub fn send(&mut self, request: &Request) -> Response {
        Response::from_words(&self.mailbox.exchange(&mut self.bench.session, request).unwrap()).unwrap()
    }

    pub fn start(&mut self) -> Challenge {
        let response = self.send(&Request::new(Command::AuthStart, Vec::new()));
        assert_eq!(response.status, Status::Success);
        AuthStart::from_words(&response.data).unwrap().challenge
    }

    pub fn fragment(&mut self, type_id: TypeId, value: &[u8]) -> Status {
        let mut writer = Writer::new(Padding::Padded);
        writer.push(type_id, value);
        self.send(&Request::new(Command::AuthResponse, bytes_to_words(&writer.finish()))).status
    }

    /// Sends certificates until one is not taken.
    pub fn certificates<'a>(&mut self, chain: impl IntoIterator<Item = &'a Certificate>) -> Status {
        let mut status = Status::NeedMoreData;
        for certificate in chain {
            status = self.fragment(TypeId::BinaryCertificate, &certificate.to_bytes());
            if status != Status::NeedMoreData {
                break;
            }
        }
        status
    }

    pub fn token(&mut self, mask: impl Into<PermissionMask>, challenge: &Challenge, key: &PrivateKey) -> Status {
        let token = Token::sign(mask, challenge, key).unwrap();
        self.fragment(TypeId::BinaryToken, &token.to_bytes())
    }

    /// The whole way with this chain and key.
    pub fn authenticate(&mut self, chain: &[Certificate], key: &PrivateKey, mask: impl Into<PermissionMask>) -> Status {
        let challenge = self.start();
        match self.certificates(chain) {
            Status::NeedMoreData => self.token(mask, &challenge, key),
            status => status,
        }
    }

    pub fn password(&mut self, bytes: &[u8]) -> Status {
        self.start();
        self.fragment(TypeId::StPassword, bytes)
    }
}
