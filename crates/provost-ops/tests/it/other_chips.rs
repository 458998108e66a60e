//! Chips that are none of ours: another family behind the same kind of port, and a port with nothing behind it.

use provost_link::{
    Ap, ApRegister, Capabilities, Clock, DpRead, DpWrite, Dpidr, LinkError, Nrst, ProbeInfo, SwdWire, SystemClock,
    WireStats,
};
use provost_ops::{
    Silent,
    credential::CredentialSet,
    error::Exit,
    identify::identify,
    rescue::{Wish, rescue},
    session::Session,
};

/// A debug port whose AP0 shows this word at DBGMCU_IDCODE and zero elsewhere. Anything beyond looking is an error.
#[derive(Debug)]
struct Other {
    info: ProbeInfo,
    clock: SystemClock,
    idcode: u32,
    csw: u32,
    tar: u32,
}

impl SwdWire for Other {
    fn describe(&self) -> &ProbeInfo {
        &self.info
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities::NRST_CONTROL
    }
    fn attach(&mut self) -> Result<Dpidr, LinkError> {
        Ok(Dpidr(0x6BA0_2477))
    }
    fn read_dp(&mut self, _register: DpRead) -> Result<u32, LinkError> {
        Ok(0)
    }
    fn write_dp(&mut self, _register: DpWrite, _value: u32) -> Result<(), LinkError> {
        Ok(())
    }
    fn read_ap(&mut self, ap: Ap, register: ApRegister) -> Result<u32, LinkError> {
        assert_eq!(ap, Ap(0), "AP1 is not touched before the chip is known");
        Ok(match register {
            ApRegister::IDR => 0x5477_0002,
            ApRegister::CSW => self.csw,
            ApRegister::TAR => self.tar,
            _ if self.tar == 0xE004_4000 => self.idcode,
            _ => 0,
        })
    }
    fn write_ap(&mut self, _ap: Ap, register: ApRegister, value: u32) -> Result<(), LinkError> {
        match register {
            ApRegister::CSW => self.csw = value | 0x40,
            ApRegister::TAR => self.tar = value,
            _ => panic!("nothing is written to a chip that is not known"),
        }
        Ok(())
    }
    fn set_nrst(&mut self, _level: Nrst) -> Result<(), LinkError> {
        panic!("a chip that is not known is not reset");
    }
    fn stats(&self) -> WireStats {
        WireStats::default()
    }
    fn clock(&mut self) -> &mut dyn Clock {
        &mut self.clock
    }
}

fn session(idcode: u32) -> Session {
    let info = ProbeInfo::virtual_chip("other");
    Session::new(Box::new(Other { info, clock: SystemClock::new(), idcode, csw: 0x8000_0042, tar: 0 }))
}

#[test]
fn another_family_is_named_by_its_dev_id_and_left_alone() {
    // An STM32H743: DEV_ID 0x450, revision V.
    let error = identify(&mut session(0x2003_6450)).unwrap_err();
    assert_eq!((error.code(), error.exit()), ("chip-unknown-part", Exit::Refused));
    assert!(error.to_string().contains("0x450") && error.to_string().contains("0x2003"), "{error}");

    let base = tempfile::tempdir().unwrap();
    for credential in
        [None, Some(CredentialSet::from_password(provost_adac::password::Password::new(b"abcd").unwrap()))]
    {
        let out = base.path().into();
        let (one_shot, once_for_life) = (true, false);
        let request = Wish {
            chip: "other".into(),
            part: None,
            credential,
            inside: false,
            encrypt_word: None,
            out,
            one_shot,
            once_for_life,
            this_is: None,
        };
        let error = rescue(&mut session(0x2003_6450), request, &mut Silent).unwrap_err();
        assert_eq!(error.code(), "chip-unknown-part");
    }
    assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0, "nothing is written anywhere");
}

#[test]
fn a_port_with_nothing_behind_it_is_said_to_be_so() {
    for nothing in [0, u32::MAX] {
        let error = identify(&mut session(nothing)).unwrap_err();
        assert_eq!((error.code(), error.exit()), ("chip-no-dbgmcu", Exit::Refused));
    }
}
