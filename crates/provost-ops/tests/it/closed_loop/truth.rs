//! What is true of the chip: an exhaustive search of the model, with what the owner holds.

use provost_chip::{
    assumptions::{Assumptions, RssChecksum, RssTzOff},
    model::{
        Action, Bench, World,
        authentication::{Permission, Presented},
        search::{Means, host_actions, way_to_open},
    },
    states::{DaMethod, ProductState},
};

use super::chip::Credentials;

/// How well a chip stands; less is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// Nothing that anybody could do opens it.
    Lost,
    /// It takes the owner's firmware, or a credential that the owner would have to find.
    If,
    /// What the owner has or can make opens it, once the wires are right.
    Recoverable,
    Open,
}

/// The truth about chips, for an owner with these credentials.
#[derive(Debug)]
pub struct Oracle {
    owner: Vec<Action>,
    anybody: Vec<Action>,
}

impl Oracle {
    pub fn new(credentials: &Credentials) -> Self {
        use DaMethod::{Certificate, Password};
        let own = &credentials.own;
        let means = Means { certificate: own.id(Certificate), password: own.id(Password), person: true };
        let ask =
            |method, id| Action::Authenticate(Presented { method, id, mask: u32::MAX }, Permission::FullRegression);
        let mut owner: Vec<Action> = host_actions(&means);
        owner.retain(|a| !matches!(a, Action::AskFirmwareToRegress));
        let sample = &credentials.sample;
        owner.extend([
            ask(Certificate, sample.id(Certificate)),
            ask(Password, sample.id(Password)),
            // The hash of a root key is that of X and Y as a password.
            ask(Password, own.id(Certificate)),
            ask(Password, sample.id(Certificate)),
        ]);
        let stranger = &credentials.stranger;
        let mut anybody = owner.clone();
        anybody.extend([
            ask(Certificate, stranger.id(Certificate)),
            ask(Password, stranger.id(Password)),
            Action::AskFirmwareToRegress,
        ]);
        Self { owner, anybody }
    }

    /// How the chip stands, whatever its wires are like now.
    pub fn of(&self, world: World) -> Truth {
        if world.chip.state == ProductState::Open {
            return Truth::Open;
        }
        // What provost cannot do in these worlds, ST's tool does: it provisions chips with TrustZone off, and knows the checksum.
        let mut assumptions = Assumptions { rss_tz_off: RssTzOff::Works, ..world.assumptions };
        if assumptions.rss_checksum == RssChecksum::Unlisted {
            assumptions.rss_checksum = RssChecksum::default();
        }
        let bench = Bench { nrst_wired: true, ..world.bench };
        let mended = World { bench, assumptions, ..world };
        if way_to_open(mended, &self.owner).is_some() {
            Truth::Recoverable
        } else if way_to_open(mended, &self.anybody).is_some() {
            Truth::If
        } else {
            Truth::Lost
        }
    }
}
