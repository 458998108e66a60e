//! Lines that lie.

use super::*;

/// What is done to an answer.
#[derive(Debug, Clone)]
enum Lie {
    Nothing,
    Silence,
    Nack,
    Flip(usize, u8),
    Shorter(usize),
    Longer(Vec<u8>),
    Instead(Vec<u8>),
}

fn lie() -> impl Strategy<Value = Lie> {
    let bytes = || proptest::collection::vec(prop_oneof![Just(0x79), Just(0x1F), any::<u8>()], 0..40);
    prop_oneof![
        12 => Just(Lie::Nothing),
        1 => Just(Lie::Silence),
        1 => Just(Lie::Nack),
        2 => (any::<usize>(), 1..=255u8).prop_map(|(at, bits)| Lie::Flip(at, bits)),
        1 => any::<usize>().prop_map(Lie::Shorter),
        1 => bytes().prop_map(Lie::Longer),
        1 => bytes().prop_map(Lie::Instead),
    ]
}

/// A device behind a line that lies, or one that was never a bootloader; and how often it was asked.
#[derive(Debug)]
struct Liar {
    line: Option<Box<dyn Line>>,
    lies: Vec<Lie>,
    asked: usize,
}

impl Line for Liar {
    fn name(&self) -> &str {
        "a liar"
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.line.as_mut().map_or(Ok(()), |line| line.send(bytes))
    }

    fn receive(&mut self, within: Duration) -> io::Result<Vec<u8>> {
        self.asked += 1;
        assert!(self.asked < 20_000, "it does not end");
        let mut answer = match &mut self.line {
            Some(line) => line.receive(within)?,
            None => vec![0x79],
        };
        let lie = self.lies.get((self.asked - 1) % self.lies.len().max(1)).cloned().unwrap_or(Lie::Nothing);
        match lie {
            Lie::Nothing => {}
            Lie::Silence => answer.clear(),
            Lie::Nack => answer = vec![0x1F],
            Lie::Flip(at, bits) => {
                let length = answer.len().max(1);
                if let Some(byte) = answer.get_mut(at % length) {
                    *byte ^= bits;
                }
            }
            Lie::Shorter(by) => answer.truncate(answer.len().saturating_sub(by % 8)),
            Lie::Longer(more) => answer.extend(more),
            Lie::Instead(other) => answer = other,
        }
        Ok(answer)
    }

    fn sleep(&mut self, time: Duration) {
        if let Some(line) = &mut self.line {
            line.sleep(time);
        }
    }

    fn now(&mut self) -> Duration {
        Duration::ZERO
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// No panic, an end, and no false word: a write that is called good is in the chip.
    #[test]
    fn a_device_that_lies_is_survived(lies in proptest::collection::vec(lie(), 1..60), real in any::<bool>()) {
        let part: PartId = "STM32H563".parse().unwrap();
        let board = board(part, ProductState::Open, TrustZone::Disabled, WORLD);
        let code = code_of(&board);
        let before = nvm(&board);
        let inner = real.then(|| line(&board));
        if let Ok(mut boot) = Bootloader::open(Box::new(Liar { line: inner, lies, asked: 0 })) {
            let _ = boot.see();
            let _ = boot.identify();
            let _ = OptionBytes::by_bootloader(&mut boot, Some(code));
            prop_assert_eq!(&nvm(&board), &before, "looking changes nothing, whatever is answered");
            let object = Delivery { destination: 0x0FFD_0100, payload: &[0; 96], word: EncryptWord::ZERO };
            let mut known = None;
            let _ = boot.provision(&[part], object, &mut known, &mut |_| Ok(()), &mut Log::default());
            let _ = boot.erase(&Erase::Sectors(vec![3]));
            let _ = set(&mut boot, code, "IWDG_STOP", 0);
            let _ = boot.write_product_state(ProductState::Provisioning);
            let _ = boot.reset();
        }
    }
}

/// A serial line has no checksum in this direction: one answer that comes in other bits must not end up in the option words, some of which
/// can only be set.
#[test]
fn one_garbled_answer_never_reaches_the_option_words() {
    let part: PartId = "STM32H563".parse().unwrap();
    let make = || board(part, ProductState::Open, TrustZone::Disabled, &[]);
    let whole = make();
    let before = nvm(&whole);
    set(&mut Bootloader::open(line(&whole)).unwrap(), code_of(&whole), "IWDG_STOP", 0).unwrap();
    let wanted = nvm(&whole);
    let mut said = std::collections::BTreeMap::<&str, usize>::new();
    for at in 0..60 {
        for (byte, bits) in [(0, 0x40), (1, 0x01), (5, 0x80), (0x42, 0x03), (0x46, 0x03), (0x91, 0xFF)] {
            let board = make();
            let mut lies = vec![Lie::Nothing; 1000];
            lies[at] = Lie::Flip(byte, bits);
            let liar = Liar { line: Some(line(&board)), lies, asked: 0 };
            let result =
                Bootloader::open(Box::new(liar)).and_then(|mut boot| set(&mut boot, code_of(&board), "IWDG_STOP", 0));
            let after = nvm(&board);
            assert!(after == before || after == wanted, "answer {at}, byte {byte:#x}: {result:?}");
            *said.entry(result.as_ref().map_or_else(|e| e.code(), |_| "done")).or_default() += 1;
        }
    }
    println!("{said:?}");
    assert!(said.contains_key("boot-reads-differ"), "{said:?}");
}
