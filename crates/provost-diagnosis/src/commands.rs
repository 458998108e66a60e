//! The commands that carry out a step: those of provost, and those of STM32CubeProgrammer, which people have at hand.

use provost_chip::states::TrustZone;
use serde::Serialize;

use crate::moves::{Move, Subject};

/// The commands for one step; an empty string where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Commands {
    /// With provost.
    pub provost: String,
    /// With ST's command line.
    pub stm32cubeprogrammer: String,
}

/// What the commands are made for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The part, for the credential.
    pub part: Option<&'a str>,
    /// TrustZone, if it is known.
    pub tz: Option<TrustZone>,
}

/// The commands for a step.
pub fn commands(step: Move, target: Target<'_>) -> Commands {
    let part = target.part.unwrap_or("PART");
    let hot_plug = "STM32_Programmer_CLI -c port=SWD ap=1 mode=HOTPLUG";
    let pair = |provost: String, st: String| Commands { provost, stm32cubeprogrammer: st };
    // `rescue` makes the credential, keeps it, and goes on with the steps that follow.
    let provision = |method: &str, object: &str| {
        let files = format!("provost credential new --method {method} --part {part} --out rescue");
        pair("provost rescue".into(), format!("{files} && {hot_plug} -sdp rescue/{object}"))
    };
    match step {
        Move::Discover => pair("provost auth discover".into(), "STM32_Programmer_CLI -c port=SWD debugauth=2".into()),
        Move::ConnectHotPlug | Move::RetryConnect => pair("provost status".into(), format!("{hot_plug} -ob displ")),
        Move::ConnectUnderReset => {
            pair("provost status".into(), "STM32_Programmer_CLI -c port=SWD ap=1 mode=UR -ob displ".into())
        }
        Move::ProvisionCertificate => provision("certificate", "DA_Config.obk"),
        Move::ProvisionPassword => provision("password", "DA_ConfigWithPassword.obk"),
        Move::FullRegression => {
            let with = match target.tz {
                Some(TrustZone::Enabled) => "per=a key=rescue/key_3_leaf.pem cert=rescue/cert_leaf_chain.b64",
                Some(TrustZone::Disabled) => "pwd=rescue/password.bin",
                None => "per=a key=rescue/key_3_leaf.pem cert=rescue/cert_leaf_chain.b64 pwd=rescue/password.bin",
            };
            pair(
                "provost auth regress --credential rescue".into(),
                format!("STM32_Programmer_CLI -c port=SWD {with} debugauth=1"),
            )
        }
        Move::WriteState(state) => pair(
            String::new(),
            format!("STM32_Programmer_CLI -c port=SWD mode=HOTPLUG -ob PRODUCT_STATE=0x{:02X}", state.code()),
        ),
        Move::WriteTrustZone(tz) => pair(String::new(), format!("{hot_plug} -ob TZEN=0x{:02X}", tz.code())),
        Move::Check(Subject::Tzen | Subject::Secwm | Subject::BootAddress | Subject::Wrp) => {
            pair("provost status".into(), format!("{hot_plug} -ob displ"))
        }
        Move::Check(Subject::ObjectSize | Subject::ObjectEncryption) => {
            pair("provost obk inspect FILE.obk".into(), String::new())
        }
        _ => Commands::default(),
    }
}
