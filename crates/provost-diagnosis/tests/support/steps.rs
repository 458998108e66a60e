//! Steps in short words, for expectations that a person writes.

use provost_diagnosis::case::{Act, Step};

/// `write PRODUCT_STATE=0x72: lost`.
pub(crate) fn short(step: &Step) -> String {
    let what = match &step.act {
        Act::Connect { mode, ap } => {
            let mode = mode.map(|m| format!(" {}", m.as_str())).unwrap_or_default();
            format!("connect{mode}{}", ap.map(|ap| format!(" AP{ap}")).unwrap_or_default())
        }
        Act::ReadOption(o) => {
            return format!("read {}={:#04X}", o.field, o.value.unwrap_or_default()).replace("=0X", "=0x");
        }
        Act::WriteOption(o) => format!("write {}={:#04X}", o.field, o.value.unwrap_or_default()).replace("=0X", "=0x"),
        Act::Provision { object, .. } => format!("provision {}", object.as_str()),
        Act::Discover(d) => {
            let state = d.lifecycle.map(|s| format!(" {}", s.as_str())).unwrap_or_default();
            let integrity =
                d.integrity.map(|ok| if ok { " integrity=good" } else { " integrity=bad" }).unwrap_or_default();
            format!("discover{state}{integrity}")
        }
        Act::Authenticate { with, permission } => {
            format!(
                "authenticate {}{}",
                with.map(|w| format!("{} ", w.as_str())).unwrap_or_default(),
                permission.as_str()
            )
        }
        Act::CloseDebug => "close-debug".into(),
        Act::Erase => "erase".into(),
        Act::Flash => "flash".into(),
        Act::Dfu => "dfu".into(),
        Act::Uart => "uart".into(),
        Act::Reset => "reset".into(),
        Act::PowerCycle => "power-cycle".into(),
        Act::Firmware(_) => "firmware".into(),
        Act::Observe(what) => format!("observe {what}"),
        _ => "something".into(),
    };
    step.outcome.map_or(what.clone(), |o| format!("{what}: {}", o.as_str()))
}
