//! Examples in the help of each command: data, put behind the options.

use clap::Command;

/// A command, and lines with what they do. What stands for something is in capitals.
struct Example {
    command: &'static str,
    lines: &'static [(&'static str, &'static str)],
}

const fn example(command: &'static str, lines: &'static [(&'static str, &'static str)]) -> Example {
    Example { command, lines }
}

const EXAMPLES: &[Example] = &[
    example("probes", &[("provost probes", "what --probe can name")]),
    example(
        "status",
        &[
            ("provost status", "the only probe attached"),
            (
                "provost status --probe 0483:374e:SERIAL --part STM32H533",
                "one of several, with the part on the package",
            ),
            ("provost status --json --probe twin:stuck-in-provisioning", "a virtual chip, for a script"),
            ("provost status --uart /dev/ttyUSB0", "no probe: the ROM bootloader on a serial line"),
            ("provost status --dfu", "the same over USB"),
        ],
    ),
    example(
        "diagnose",
        &[
            ("provost diagnose cubeprogrammer.log", "what a tool printed"),
            ("provost diagnose --probe twin:stuck-in-provisioning --discover", "a chip, asked"),
            ("provost diagnose --save my-board.toml", "a person, asked; the answers kept"),
        ],
    ),
    example(
        "rescue",
        &[
            ("provost rescue --dry-run", "the plan; writes nothing"),
            ("provost rescue --probe twin:stuck-in-provisioning", "practise"),
            (
                "provost rescue --uart twin:stuck-in-provisioning --probe twin:stuck-in-provisioning",
                "provision over the ROM bootloader, the rest over the probe",
            ),
            ("provost rescue --credential safe/board", "a closed chip, with what was provisioned"),
        ],
    ),
    example(
        "selfcheck",
        &[
            ("provost selfcheck --trace board.trace", "reads only, and keeps what was read"),
            ("provost selfcheck --level 2 --probe twin:fresh", "with resets, on a virtual chip"),
            ("provost selfcheck --level 2 --probe replay:board.trace", "the same again, from a trace"),
        ],
    ),
    example(
        "close",
        &[
            ("provost close --to tz-closed --credential safe/board --dry-run", "what is still missing"),
            ("provost close --to tz-closed --credential safe/board --rehearse", "with the way back used first"),
            (
                "provost close --to closed --credential safe/board --image fw.elf --save plan.json",
                "a plan for provost apply",
            ),
        ],
    ),
    example(
        "apply",
        &[
            ("provost apply plan.json", "exactly this plan on exactly its chip"),
            ("provost apply --resume", "go on with what was interrupted"),
        ],
    ),
    example(
        "history",
        &[("provost history", "all receipts, and what is not finished"), ("provost history 003D005E", "of one chip")],
    ),
    example("auth discover", &[("provost auth discover", "state, integrity, and what the chip asks for; resets it")]),
    example(
        "auth open",
        &[
            (
                "provost auth open --permission level-1-intrusive-debug --credential safe/board",
                "both sides, for firmware that stays at HDPL 1",
            ),
            ("provost auth open --permission 2 --credential safe/board", "the non-secure side, from HDPL 3 on"),
        ],
    ),
    example("auth close-debug", &[("provost auth close-debug", "as it was before, without removing power")]),
    example(
        "auth regress",
        &[
            ("provost auth regress --credential safe/board", "back to Open, erased"),
            ("provost auth regress --to tz-closed --credential safe/board", "only the non-secure side erased"),
            ("provost auth regress --credential safe/board --sign-in exchange", "the leaf key is elsewhere"),
        ],
    ),
    example(
        "credential new",
        &[
            ("provost credential new --method certificate --part STM32H563 --out safe/board", "TrustZone on"),
            ("provost credential new --method password --part STM32H563 --out safe/board", "TrustZone off"),
        ],
    ),
    example("credential show", &[("provost credential show safe/board/cert_leaf_chain.b64", "every field")]),
    example(
        "credential check",
        &[
            ("provost credential check safe/board --part STM32H563", "the files, and whether they fit the part"),
            ("provost credential check safe/board --probe twin:board.chip", "the chip, too; resets it"),
        ],
    ),
    example(
        "credential prepare certificate",
        &[(
            "provost credential prepare certificate --role leaf --signer intermediate.pem --subject leaf.pem --out leaf.tbs",
            "what the holder of the intermediate key is to sign",
        )],
    ),
    example(
        "credential prepare token",
        &[(
            "provost credential prepare token --challenge challenge.bin --signer leaf.pem --out token.tbs",
            "what the holder of the leaf key is to sign",
        )],
    ),
    example(
        "credential merge",
        &[(
            "provost credential merge leaf.tbs leaf.sig --signer intermediate.pem --chain cert_intermediate_chain.b64 --out cert_leaf_chain.b64",
            "certificate and signature, behind the chain so far",
        )],
    ),
    example("obk build", &[("provost obk build DA_Config.xml --part STM32H573", "from ST's XML, as it is")]),
    example(
        "obk inspect",
        &[("provost obk inspect DA_Config.obk --part STM32H573", "every byte named, and whether it fits")],
    ),
    example(
        "obk write",
        &[
            ("provost obk write safe/board/DA_Config.obk --dry-run --part STM32H563", "what speaks against it"),
            ("provost obk write safe/board/password.bin --once-for-life", "into the OTP of an STM32H503"),
        ],
    ),
    example(
        "obk image sign",
        &[(
            "provost obk image sign app.bin --profile stirot-code --image-version 1.0.0 --key key.pem --install --out app_sign.bin",
            "for the slot it runs from",
        )],
    ),
    example(
        "obk image verify",
        &[("provost obk image verify app_sign.bin --key key_pub.pem", "as the boot loader does")],
    ),
    example("obk image inspect", &[("provost obk image inspect app_sign.bin", "every byte named")]),
    example(
        "option list",
        &[
            ("provost option list", "all, with what may be changed now"),
            ("provost option list --changed", "what is not as it was delivered"),
        ],
    ),
    example("option get", &[("provost option get TZEN SECWM1_END", "in the form that set takes")]),
    example(
        "option set",
        &[
            ("provost option set SECWM1_STRT=0 SECWM1_END=0x1F --dry-run", "check, and print the phrase"),
            ("provost option set TZEN=on", "several at once are one launch"),
        ],
    ),
    example(
        "option export",
        &[
            ("provost option export board.toml", "with the meaning of each"),
            ("provost option export board.txt --format displ", "as STM32CubeProgrammer prints them"),
        ],
    ),
    example(
        "option diff",
        &[
            ("provost option diff board.toml --exit-code", "the chip against a file; 1 if they differ"),
            ("provost option diff one.toml other.toml", "two boards, from their files"),
            ("provost option diff 0483:374e:SERIAL-1 0483:374e:SERIAL-2", "two boards, as they are"),
        ],
    ),
    example("option import", &[("provost option import board.toml --dry-run", "what would change")]),
    example(
        "flash write",
        &[
            ("provost flash write app.elf", "where its headers say"),
            ("provost flash write app.bin@0x0C000000", "plain bytes, with their address"),
            ("provost flash write secure.elf non-secure.hex", "both sides in one go, with one reset"),
            (
                "provost flash write table.bin@0x0800E010 --keep before.hex",
                "a few bytes; the rest of their sector stays",
            ),
        ],
    ),
    example("flash verify", &[("provost flash verify app.hex", "reads only")]),
    example(
        "flash erase",
        &[
            ("provost flash erase --all", "all of user flash"),
            ("provost flash erase --at 0x08010000 --size 0x4000", "the sectors of a range"),
        ],
    ),
    example("flash read", &[("provost flash read copy.bin --at 0x08000000 --size 0x10000", "64 KB as plain bytes")]),
    example(
        "twin new",
        &[
            ("provost twin new board.chip --preset stuck-in-provisioning", "a ready-made situation"),
            (
                "provost twin new board.chip --part STM32H573 --tzen on --switch leave-rss-da=power",
                "another answer to an open question",
            ),
        ],
    ),
    #[cfg(feature = "serve")]
    example("serve", &[("provost serve --open", "the page, for the chip on the desk and for virtual ones")]),
    example("twin list", &[("provost twin list", "names for --preset, and for --probe twin:NAME")]),
    example("twin ledger", &[("provost twin ledger", "how sure each piece is")]),
    example("twin try", &[("provost twin try board.chip erase:flash", "what a warning is about, seen")]),
    example(
        "twin serve",
        &[
            ("provost twin serve board.chip --remote-bitbang 4455", "for OpenOCD"),
            ("provost twin serve board.chip --black-magic 4456 --pyocd 4457", "for probe-rs and pyOCD"),
        ],
    ),
    example(
        "twin bench",
        &[("provost twin bench board.chip power=cycle nrst=low boot0=high", "while `twin serve` runs")],
    ),
    example("completions", &[("provost completions bash", "for ~/.local/share/bash-completion/completions/provost")]),
    example("man", &[("provost man --out share/man/man1", "for a package, or for ~/.local/share")]),
    example(
        "doctor",
        &[
            ("provost doctor", "what stands between this computer and a chip"),
            ("provost doctor --reset --probe twin:board.chip", "NRST, too; resets the chip"),
            ("provost doctor --install-udev", "as root: let every user at the machine reach debug probes"),
        ],
    ),
    example(
        "explain",
        &[
            ("provost explain provisioning", "a product state"),
            ("provost explain \"Error: Cannot connect to access port 1!\"", "what a tool printed"),
            ("provost explain \"erase the chip\"", "a phrase"),
            ("provost explain index", "everything that has a name"),
        ],
    ),
];

/// The same command with its examples, and its subcommands with theirs.
pub(super) fn with_examples(command: Command) -> Command {
    EXAMPLES.iter().fold(command, |command, example| {
        let path: Vec<&str> = example.command.split(' ').collect();
        put(command, &path, &text(example))
    })
}

fn put(command: Command, path: &[&str], text: &str) -> Command {
    match path.split_first() {
        None => command.after_help(text.to_owned()),
        Some((name, rest)) if command.find_subcommand(name).is_some() => {
            command.mut_subcommand(name, |inner| put(inner, rest, text))
        }
        Some(_) => command,
    }
}

fn text(example: &Example) -> String {
    let lines = example.lines.iter().map(|(line, says)| format!("  {line}\n      {says}\n"));
    format!("Examples:\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let piece = |(n, part): (usize, &str)| match n % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        };
        line.split('"').enumerate().flat_map(piece).collect()
    }

    #[test]
    fn every_example_is_a_command_line() {
        for example in EXAMPLES {
            for (line, _) in example.lines {
                let parsed = crate::cli::command().try_get_matches_from(words(line));
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
                assert!(
                    line.starts_with(&format!("provost {}", example.command)),
                    "{line} stands at {}",
                    example.command
                );
            }
        }
    }

    #[test]
    fn every_command_has_one() {
        fn leaves(command: &Command, path: &str, all: &mut Vec<String>) {
            let inner: Vec<&Command> = command.get_subcommands().filter(|c| c.get_name() != "help").collect();
            if inner.is_empty() {
                all.push(path.to_owned());
            }
            for command in inner {
                leaves(command, format!("{path} {}", command.get_name()).trim(), all);
            }
        }
        let mut all = Vec::new();
        leaves(&crate::cli::command(), "", &mut all);
        for path in all {
            assert!(EXAMPLES.iter().any(|e| e.command == path), "{path} has no example");
        }
    }
}
