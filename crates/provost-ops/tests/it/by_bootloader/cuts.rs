//! Lines that are cut.

use super::{rescue::rescue_over, *};

/// A line that carries so many frames; the last arrives, and its answer does not.
#[derive(Debug)]
struct Cut {
    line: Box<dyn Line>,
    sent: Rc<Cell<usize>>,
    limit: usize,
}

impl Cut {
    fn after(limit: usize, board: &VirtualBoard) -> (Box<dyn Line>, Rc<Cell<usize>>) {
        let sent = Rc::new(Cell::new(0));
        (Box::new(Self { line: line(board), sent: sent.clone(), limit }), sent)
    }
}

impl Line for Cut {
    fn name(&self) -> &str {
        self.line.name()
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.sent.get() >= self.limit {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.sent.set(self.sent.get() + 1);
        self.line.send(bytes)
    }

    fn receive(&mut self, within: Duration) -> io::Result<Vec<u8>> {
        if self.sent.get() >= self.limit {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.line.receive(within)
    }

    fn sleep(&mut self, time: Duration) {
        self.line.sleep(time);
    }

    fn now(&mut self) -> Duration {
        self.line.now()
    }
}

/// Does it over a line that is cut after every frame in turn; then the chip is reset, as the message asks, and the same is done again.
/// What it comes to is what it comes to without a cut, and in between stands nothing that was not there before or is wanted.
fn cut_everywhere(
    make: impl Fn() -> VirtualBoard,
    mut work: impl FnMut(Box<dyn Line>, &VirtualBoard) -> Result<(), Failure>,
    between: impl Fn(&Nvm, &Nvm, &Nvm) -> bool,
    same: impl Fn(&VirtualBoard, &Nvm) -> bool,
) -> usize {
    let whole = make();
    let before = nvm(&whole);
    let (line_of, sent) = Cut::after(usize::MAX, &whole);
    work(line_of, &whole).unwrap();
    let (frames, wanted) = (sent.get(), nvm(&whole));
    for limit in 1..=frames {
        let board = make();
        let (cut, _) = Cut::after(limit, &board);
        let error = work(cut, &board).unwrap_err();
        assert!(["uart-lost", "interrupted"].contains(&error.code()), "frame {limit}: {error}");
        assert!(between(&before, &nvm(&board), &wanted), "after frame {limit} of {frames}");
        reset(&board);
        work(line(&board), &board).unwrap_or_else(|e| panic!("again after frame {limit} of {frames}: {e}"));
        assert!(same(&board, &wanted), "after frame {limit} of {frames} and a second run");
    }
    frames
}

#[test]
fn a_line_cut_after_any_frame_costs_another_run() {
    let h563: PartId = "STM32H563".parse().unwrap();
    let open = || board(h563, ProductState::Open, TrustZone::Disabled, &[]);
    let whole = |a: &Nvm, now: &Nvm, b: &Nvm| now == a || now == b;
    let equal = |board: &VirtualBoard, wanted: &Nvm| nvm(board) == *wanted;
    let options = cut_everywhere(
        open,
        |line, board| {
            let mut boot = Bootloader::open(line)?;
            set(&mut boot, code_of(board), "IWDG_STOP", 0).map(|_| ())
        },
        whole,
        equal,
    );
    let states = cut_everywhere(
        open,
        |line, _| Bootloader::open(line)?.write_product_state(ProductState::Provisioning).map(|_| ()),
        whole,
        equal,
    );
    let folder = tempfile::tempdir().unwrap();
    let firmware = image(code_of(&open()), 700, folder.path());
    let flash = cut_everywhere(
        open,
        |line, board| program(&mut Bootloader::open(line)?, code_of(board), &firmware).map(|_| ()),
        // Half a sector may stand there; nothing else has changed.
        |a, now, _| now.options == a.options && now.obk == a.obk && now.otp == a.otp,
        equal,
    );
    let object = tempfile::tempdir().unwrap();
    let wish = request(h563, TrustZone::Enabled, object.path());
    let objects = cut_everywhere(
        || board(h563, ProductState::Provisioning, TrustZone::Enabled, WORLD),
        |line, _| provision(&mut Bootloader::open(line)?, &wish, object.path()).map(|_| ()),
        |a, now, _| now.options == a.options && now.flash == a.flash && now.otp == a.otp,
        |board, _| usable(board.board().silicon().chip()).is_some(),
    );
    println!("frames: {options} of an option, {states} of a state, {flash} of 700 bytes, {objects} of an object");
    assert!(options > 20 && states > 5 && flash > 100 && objects > 20);
}

/// The known hazard: a bootloader that was left behind the address of an option image takes the bytes that call it for length and data.
#[test]
fn calling_a_bootloader_that_waits_for_an_option_image_never_writes_one() {
    let h563: PartId = "STM32H563".parse().unwrap();
    for address in [0x4002_2050u32, 0x4002_21E0] {
        let board = board(h563, ProductState::Open, TrustZone::Disabled, &[]);
        let before = nvm(&board);
        let [a, b, c, d] = address.to_be_bytes();
        for frame in [&[0x7F][..], &[0x31, 0xCE], &[a, b, c, d, a ^ b ^ c ^ d]] {
            assert_eq!(board.board().serial(frame), [0x79]);
        }
        let mut calls = 0;
        let answered = loop {
            calls += 1;
            match Bootloader::open(line(&board)) {
                Ok(boot) => break boot,
                Err(error) => assert_eq!(error.code(), "boot-nobody"),
            }
            assert!(calls < 100, "it stays silent");
            assert_eq!(nvm(&board), before, "after {calls} calls");
        };
        assert!(calls > 1, "the hazard is there: the first call is swallowed");
        assert_eq!(nvm(&board), before);
        drop(answered);
        // Meanwhile a reset, as the message asks, mends it at once.
        reset(&board);
        Bootloader::open(line(&board)).unwrap();
    }
}

#[test]
fn a_rescue_whose_line_is_cut_after_any_frame_is_finished_by_the_same_command() {
    let part: PartId = "STM32H533".parse().unwrap();
    let make = || board(part, ProductState::Provisioning, TrustZone::Enabled, WORLD);
    let whole = make();
    let (counted, sent) = Cut::after(usize::MAX, &whole);
    let base = tempfile::tempdir().unwrap();
    rescue_over(counted, &whole, base.path(), &mut Log::default()).unwrap();
    for limit in 1..=sent.get() {
        let board = make();
        let base = tempfile::tempdir().unwrap();
        let (cut, _) = Cut::after(limit, &board);
        if let Err(error) = rescue_over(cut, &board, base.path(), &mut Log::default()) {
            assert!(["uart-lost", "interrupted"].contains(&error.code()), "frame {limit}: {error}");
            reset(&board);
            rescue_over(line(&board), &board, base.path(), &mut Log::default())
                .unwrap_or_else(|e| panic!("again after frame {limit}: {e}"));
        }
        assert_eq!(state_of(&board).0, ProductState::Open, "after frame {limit}");
        // One that has not learnt whose it is stays as it stands, and a new one begins.
        assert!(std::fs::read_dir(base.path()).unwrap().count() <= 2, "after frame {limit}");
    }
}
