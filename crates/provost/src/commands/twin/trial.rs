//! `provost twin try`: one step done to a virtual chip, wrong ones included.

use provost_bench::Bench;
use provost_diagnosis::moves::Move;
use provost_ops::practise::{PractiseError, Practised, practise};
use provost_twin::{board::VirtualBoard, doors::bench::Control};

use crate::{
    cli::{Arguments, TwinTry},
    output::{Page, Stop, Teller},
};

pub(super) fn run(arguments: &Arguments, options: &TwinTry) -> Result<Page, Stop> {
    let board = VirtualBoard::select(&options.chip).map_err(provost_bench::BenchError::from)?;
    let Some(step) = Move::from_name(&options.step) else {
        let step = options.step.chars().take(60).collect();
        return Err(provost_ops::error::Failure::from(PractiseError::NoSuchStep { step }).into());
    };
    super::super::on_bench(Bench::on_board(board), |bench| {
        let by_hand = by_hand(step).zip(bench.board.as_ref());
        let done = match by_hand {
            Some((controls, board)) => {
                controls.iter().for_each(|control| board.board().control(*control));
                Practised { step: step.to_string(), words: step.words(), before: None, after: None }
            }
            None => practise(&mut bench.session, step, &mut Teller::new(arguments))?,
        };
        let text = format!("done: {}\n`provost status` says what the chip is now\n", done.words);
        Ok(Page::new(&done, text)?)
    })
}

/// What a person does to the board.
const fn by_hand(step: Move) -> Option<&'static [Control]> {
    Some(match step {
        Move::PowerCycle => &[Control::PowerCycle],
        Move::Reset => &[Control::NrstPulse],
        Move::Boot0High => &[Control::Boot0(true), Control::PowerCycle],
        Move::WireNrst => &[Control::NrstWired(true)],
        _ => return None,
    })
}
