//! Completions and man pages: of every command, and such that the shells take them.

use std::process::Command;

use provost_testkit::strangers;

use crate::sandbox::Sandbox;

/// Every command with subcommands left out, from the program's own help.
fn commands(s: &Sandbox) -> Vec<String> {
    fn below(s: &Sandbox, path: &str, all: &mut Vec<String>) {
        let help = s.run(&format!("{path} --help")).out;
        let Some(list) = help.split("\nCommands:\n").nth(1) else { return };
        let list = list.split("\n\nOptions:").next().unwrap();
        for line in list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
            let name = line.split_whitespace().next().unwrap();
            if name != "help" {
                let path = format!("{path} {name}").trim().to_owned();
                all.push(path.clone());
                below(s, &path, all);
            }
        }
    }
    let mut all = Vec::new();
    below(s, "", &mut all);
    all
}

#[test]
fn every_help_has_examples_and_every_command_a_man_page() {
    let s = Sandbox::new();
    let commands = commands(&s);
    assert!(commands.len() > 40, "{commands:?}");
    let (code, made) = s.json("man --out pages");
    assert_eq!((code, &made["what"]), (0, &"man-pages".into()));
    assert_eq!(made["files"].as_array().unwrap().len(), commands.len() + 1, "and one of the program itself");
    for command in &commands {
        let help = s.run(&format!("{command} --help")).out;
        assert!(help.contains("Examples:\n  provost ") || help.contains("\nCommands:\n"), "{command}: {help}");
        let page = String::from_utf8(s.read(&format!("pages/provost-{}.1", command.replace(' ', "-")))).unwrap();
        assert!(page.contains(".TH provost") && page.contains(".SH NAME"), "{command}");
    }
    assert_eq!(s.json("man --out pages").1["code"], "file-exists");
    println!("{} commands", commands.len());
}

#[test]
fn completions_of_every_shell_know_every_command() {
    let s = Sandbox::new();
    let commands = commands(&s);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell", "nushell"] {
        let run = s.run(&format!("completions {shell}"));
        let last = |command: &String| command.rsplit(' ').next().unwrap().to_owned();
        let missing: Vec<&String> = commands.iter().filter(|c| !run.out.contains(&last(c))).collect();
        assert!(run.code == 0 && missing.is_empty(), "{shell}: {missing:?}");
        assert_eq!(s.json(&format!("completions {shell}")).0, 0);
    }
}

/// Runs a script in a shell, in the sandbox.
fn in_shell(s: &Sandbox, shell: &str, options: &[&str], script: &str) -> String {
    let output = Command::new(shell).args(options).arg("-c").arg(script).current_dir(s.path("")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shell}: {script}\n{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn bash_takes_its_completions() {
    if !strangers::installed(&["bash"]) {
        return;
    }
    let s = Sandbox::new();
    std::fs::write(s.path("provost.bash"), s.run("completions bash").out).unwrap();
    let ask = |line: &str| {
        let words = line.split(' ').map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
        let script = format!(
            "source provost.bash; complete -p provost; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _provost provost \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        in_shell(&s, "bash", &["--norc"], &script)
    };
    assert!(ask("provost res").lines().any(|word| word == "rescue"));
    assert!(ask("provost auth o").lines().any(|word| word == "open"));
    assert!(ask("provost close --rehear").lines().any(|word| word == "--rehearse-only"));
}

#[test]
fn zsh_takes_its_completions() {
    if !strangers::installed(&["zsh"]) {
        return;
    }
    let s = Sandbox::new();
    std::fs::write(s.path("_provost"), s.run("completions zsh").out).unwrap();
    let script = "autoload -Uz compinit && compinit -u -d dump; fpath=($PWD $fpath); autoload -Uz +X _provost \
                  && source ./_provost; whence -w _provost _provost_commands; print ${_comps[provost]}";
    let told = in_shell(&s, "zsh", &["-f"], script);
    assert!(told.contains("_provost: function") && told.contains("_provost_commands: function"), "{told}");
}
