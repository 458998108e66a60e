//! RSS-DA: the Debug Authentication library in ROM, from the reply word to the regression and the reset after it.
//!
//! What is said on the wire is the target of [`provost_adac`]; here is when it speaks, and what a grant does to the chip.

use std::collections::{BTreeSet, VecDeque};

use provost_adac::{
    crypto::CryptoSystem,
    discovery::{Discovery, Integrity},
    lifecycle::{Lifecycle, LifecycleForm},
    packet::Header,
    permission::{Permission, PermissionMask},
    target::{Anchor, Config, Event, Target},
    tlv::{Padding, TypeId},
};
use provost_chip::{
    assumptions::{LifecycleWord, ReplyWord, TlvPadding, VendorOrder},
    model::{
        authentication::{self, PRODUCT_MASK},
        debug::Opening,
    },
    option_bytes::{OptionField, factory_words},
    parts::DaStore,
    registers::{dbgmcu, flash as reg},
    states::{NS_REGRESSION, ProductState, REGRESSION, TrustZone},
};

use crate::silicon::{Silicon, Time, nvm::Nvm};

/// How long the host may leave the last word unread before the ROM goes on without it.
const PATIENCE: Time = 100_000_000;
/// A mass erase; the data sheets give 2 ms a sector, banks erase in parallel (inferred).
const MASS_ERASE: Time = 40_000_000;

/// A session, from the reset that found the request to the reset that ends it.
#[derive(Debug)]
pub(crate) struct RssDa {
    target: Target,
    /// Whether the request still waits for its reply word.
    requested: bool,
    inbox: Vec<u32>,
    outbox: VecDeque<u32>,
    granted: Option<Grant>,
}

/// A permission that waits for the host to read the last word, then takes its time.
#[derive(Debug, Clone, Copy)]
struct Grant {
    permission: Permission,
    starts_at: Time,
    done_at: Option<Time>,
}

impl RssDa {
    /// The ROM has found the request. `open` is false where a reset without a new request has not ended a session.
    pub(crate) fn enter(silicon: &mut Silicon, open: bool) -> Self {
        let challenge = silicon.challenge();
        Self {
            target: Target::new(config(silicon), challenge),
            requested: open,
            inbox: Vec::new(),
            outbox: VecDeque::new(),
            granted: None,
        }
    }
}

/// Lets the session work off what the mailbox and the clock allow.
pub(crate) fn serve(silicon: &mut Silicon) {
    let Some(mut session) = silicon.rss_da().take() else { return };
    let finished = session.work(silicon);
    // A grant that is carried out resets the chip, and the session is gone.
    if let Some(permission) = finished {
        carry_out(silicon, permission);
    } else {
        *silicon.rss_da() = Some(session);
    }
}

impl RssDa {
    /// When the session goes on by itself: the host's patience ends, or the erase does.
    pub(crate) fn due(&self) -> Option<Time> {
        self.granted.map(|grant| grant.done_at.unwrap_or(grant.starts_at))
    }

    fn work(&mut self, silicon: &mut Silicon) -> Option<Permission> {
        if std::mem::take(&mut self.requested) {
            // The host learns that the ROM is there.
            let reply = match silicon.assumptions().reply_word {
                ReplyWord::Stda => dbgmcu::REQUEST_STDA,
                ReplyWord::Daok => dbgmcu::REPLY_DAOK,
            };
            silicon.mailbox().put(reply);
        }
        loop {
            if let Some(&word) = self.outbox.front() {
                if !silicon.mailbox().put(word) {
                    break;
                }
                self.outbox.pop_front();
            } else if let Some(grant) = self.granted {
                return self.proceed(grant, silicon);
            } else if let Some(word) = silicon.mailbox().take() {
                self.inbox.push(word);
                self.answer_when_complete(silicon);
            } else {
                break;
            }
        }
        if self.granted.is_some_and(|g| silicon.now() >= g.starts_at) {
            self.outbox.clear();
        }
        None
    }

    fn answer_when_complete(&mut self, silicon: &mut Silicon) {
        let &[first, second, ..] = &self.inbox[..] else { return };
        // A header that makes no sense is answered at once, or the two sides would wait for each other.
        let due = Header::decode([first, second]).map_or(2, |header| 2 + header.data_count as usize);
        if self.inbox.len() < due {
            return;
        }
        if !silicon.session_is_open() && !self.target.is_over() {
            // The target learns from an empty request that nothing more is authenticated; discovery it still answers.
            self.target.handle(&[]);
        }
        let reply = self.target.handle(&std::mem::take(&mut self.inbox));
        self.outbox.extend(reply.words);
        match reply.event {
            Some(Event::Granted(mask)) => {
                silicon.end_session();
                let permission = mask.permissions().last().unwrap_or(Permission::FullRegression);
                self.granted = Some(Grant { permission, starts_at: silicon.now() + PATIENCE, done_at: None });
            }
            Some(Event::Refused(reason)) => {
                silicon.refused(reason);
                silicon.end_session();
            }
            Some(Event::ResumeBoot) => silicon.end_session(),
            _ => {}
        }
    }

    /// A granted permission: first the host reads its answer, then the erase runs, then it is done.
    fn proceed(&mut self, grant: Grant, silicon: &mut Silicon) -> Option<Permission> {
        match grant.done_at {
            Some(done_at) => (silicon.now() >= done_at).then_some(grant.permission),
            None if silicon.mailbox().device_full() && silicon.now() < grant.starts_at => None,
            None => {
                // Debug is opened at once; an erase takes its time.
                let Some(code) = transient_state(grant.permission) else { return Some(grant.permission) };
                set_product_state(silicon.nvm_mut(), code);
                self.granted = Some(Grant { done_at: Some(silicon.now() + MASS_ERASE), ..grant });
                None
            }
        }
    }
}

const fn transient_state(permission: Permission) -> Option<u8> {
    match permission {
        Permission::FullRegression => Some(REGRESSION),
        Permission::TzRegression => Some(NS_REGRESSION),
        _ => None,
    }
}

fn carry_out(silicon: &mut Silicon, permission: Permission) {
    match permission {
        Permission::FullRegression => finish_regression(silicon),
        Permission::TzRegression => finish_tz_regression(silicon),
        debug => {
            if let Some(opening) = opening(debug) {
                return silicon.open_debug(opening);
            }
        }
    }
    silicon.leave_rss_da();
}

/// What a debug permission opens.
fn opening(permission: Permission) -> Option<Opening> {
    match authentication::Permission::from_bit(permission.bit().into()) {
        Some(authentication::Permission::Debug(opening)) => Some(opening),
        _ => None,
    }
}

/// Marks a full regression as begun, so that a power cut cannot stop it.
pub(crate) fn begin_regression(nvm: &mut Nvm) {
    set_product_state(nvm, REGRESSION);
}

/// The end of a full regression (rule R-FULL-REGRESSION-EFFECT): everything erased, the chip open and without TrustZone.
///
/// TZEN, BOOT_UBE, SWAP_BANK and SECWM go back to their factory values (wolfTrust had to set them again); of the other
/// options nothing is known, and they stay.
pub(crate) fn finish_regression(silicon: &mut Silicon) {
    let part = silicon.identity().part;
    silicon.erase_sram();
    silicon.revoke_debug();
    let nvm = silicon.nvm_mut();
    nvm.erase_for_regression();
    let factory = factory_words(part);
    for name in
        ["PRODUCT_STATE", "TZEN", "BOOT_UBE", "SWAP_BANK", "SECWM1_STRT", "SECWM1_END", "SECWM2_STRT", "SECWM2_END"]
    {
        let Some(field) = OptionField::find(part, name) else { continue };
        let Some((_, word)) = factory.get(&field.offset_cur) else { continue };
        let new = field.set(nvm.options.get(field.offset_cur), field.get(*word));
        nvm.options.set(field.offset_cur, new);
    }
}

/// The end of a partial regression (rule R-TZ-REGRESSION): TZ-Closed, the non-secure side erased.
pub(crate) fn finish_tz_regression(silicon: &mut Silicon) {
    let secure: BTreeSet<u32> = silicon.nvm().flash.keys().copied().filter(|n| silicon.sector_is_secure(*n)).collect();
    silicon.revoke_debug();
    let nvm = silicon.nvm_mut();
    nvm.erase_for_tz_regression(|sector| secure.contains(&sector));
    set_product_state(nvm, ProductState::TzClosed.code());
}

fn set_product_state(nvm: &mut Nvm, code: u8) {
    let optsr = nvm.options.get(reg::OPTSR_CUR);
    nvm.options.set(reg::OPTSR_CUR, optsr & !0xFF00 | u32::from(code) << 8);
}

fn config(silicon: &Silicon) -> Config {
    let (chip, assumptions) = (*silicon.chip(), *silicon.assumptions());
    let lifecycle = lifecycle_word(chip.state, assumptions.lifecycle_word);
    let uid = silicon.identity().uid;
    let mut soc_id = [0; 16];
    if authentication::shows_soc_id(&chip, &assumptions).outcome {
        for (slot, word) in soc_id.chunks_exact_mut(4).zip(uid) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
    }
    let soc_class = u32::from(chip.part.info().dev_id);
    let product_mask = PermissionMask(u128::from(PRODUCT_MASK));
    let valid = authentication::looks_valid(&chip, &assumptions).outcome;
    let system = match chip.tz {
        TrustZone::Enabled => CryptoSystem::EcdsaP256Sha256,
        TrustZone::Disabled => CryptoSystem::StPassword,
    };
    let stored = credential(silicon);
    let discovery = Discovery {
        auth_version: Some((1, 0)),
        vendor_id: Some(match assumptions.vendor_order {
            VendorOrder::Little => [0x20, 0x00],
            VendorOrder::Big => [0x00, 0x20],
        }),
        soc_class: Some(soc_class),
        soc_id: Some(soc_id),
        // Listed whatever is provisioned: the list proves nothing (rule R-DA-NEEDS-VALID-DATA).
        permissions_mask: Some(product_mask),
        psa_lifecycle: Some(lifecycle),
        sda_version: Some([2, 4, 0, 0]),
        token_formats: Some(vec![TypeId::BinaryToken]),
        cert_formats: Some(vec![TypeId::BinaryCertificate]),
        cryptosystems: Some(vec![system]),
        integrity: Some(if valid { Integrity::Valid } else { Integrity::Invalid }),
        hdpl_status: [Some(u32::MAX); 3],
        other: Vec::new(),
    };
    Config {
        discovery,
        padding: match assumptions.tlv_padding {
            TlvPadding::Unpadded => Padding::Unpadded,
            TlvPadding::Padded => Padding::Padded,
        },
        object_mask: PermissionMask(stored.map_or(0, |(_, mask)| mask)),
        anchor: stored.map(|(hash, _)| match chip.tz {
            TrustZone::Enabled => Anchor::Certificate { root_key_hash: hash },
            TrustZone::Disabled => Anchor::Password { hash },
        }),
        product_mask,
        soc_class,
        soc_id,
        lifecycle,
    }
}

fn lifecycle_word(state: ProductState, form: LifecycleWord) -> u16 {
    let lifecycle = match state {
        ProductState::Open => Lifecycle::Open,
        ProductState::Provisioning => Lifecycle::Provisioning,
        ProductState::IrotProvisioned => Lifecycle::IrotProvisioned,
        ProductState::TzClosed => Lifecycle::TzClosed,
        ProductState::Closed => Lifecycle::Closed,
        ProductState::Locked => Lifecycle::Locked,
    };
    lifecycle.encode(match form {
        LifecycleWord::Swapped => LifecycleForm::NibbleSwapped,
        LifecycleWord::Plain => LifecycleForm::Raw,
    })
}

/// The stored hash and mask that this chip can authenticate against.
fn credential(silicon: &Silicon) -> Option<([u8; 32], u128)> {
    authentication::usable(silicon.chip())?;
    if silicon.identity().part.info().da_store == DaStore::Otp {
        return otp_hash(silicon).map(|hash| (hash, u128::from(PRODUCT_MASK)));
    }
    let (payload, _) = super::rss::da_payload(silicon)?;
    let hash = payload.get(32..64)?.try_into().ok()?;
    let mask = u128::from_le_bytes(payload.get(64..80)?.try_into().ok()?);
    Some((hash, mask))
}

/// The password hash of an STM32H503: the first 32 bytes of OTP, valid once the block is locked (ST's password_provisioning.sh).
pub(crate) fn otp_hash(silicon: &Silicon) -> Option<[u8; 32]> {
    let lock = OptionField::find(silicon.identity().part, "LOCKBL")?;
    let locked = lock.get(silicon.nvm().options.get(lock.offset_cur)) & 1 == 1;
    let mut hash = [0; 32];
    for (index, slot) in hash.chunks_exact_mut(2).enumerate() {
        slot.copy_from_slice(&silicon.nvm().otp_half(index)?.to_le_bytes());
    }
    locked.then_some(hash)
}
