//! `provost credential new`.

use std::fmt::Write as _;

use provost_adac::{
    permission::PermissionMask,
    scope::{Scope, Usage},
};
use provost_chip::states::DaMethod;
use provost_ops::{
    credential::{ChainRecipe, NewSet, Protection, Recipe, RoleKeys, SetError, load_key, make},
    store::Replace,
};

use crate::{
    cli::{Arguments, CredentialNew, MethodWord, ScopeWords, UsageWord},
    documents::CredentialMade,
    output::{Page, Stop, made_text, wrap},
    secrets,
};

pub(super) fn run(arguments: &Arguments, options: &CredentialNew) -> Result<Page, Stop> {
    let part =
        arguments.part().ok_or(SetError::PartNeeded { what: "the method, and the encryption flag of the object," })?;
    let recipe = Recipe {
        part,
        method: options.method.into(),
        chain: chain(arguments, options)?,
        password: options.password_file.as_deref().map(secrets::password).transpose()?,
        object_mask: options.object_permissions.unwrap_or(options.permissions),
    };
    let NewSet { set, files, aside } = make(&recipe, &options.out, Replace::forced(options.force))?;
    let mut text = format!("made {}: a {} for the {part}\n", options.out.display(), recipe.method);
    text.push_str(&made_text(&files));
    if let Some(aside) = &aside {
        let _ = writeln!(text, "what was there before is kept in {}", aside.display());
    }
    if let Some(hash) = set.fingerprint() {
        let _ = writeln!(text, "root key  {hash}");
    }
    for warning in warnings(options, &recipe) {
        text.push_str(&wrap(&format!("note: {warning}"), 0));
    }
    let check = format!(
        "next: `provost credential check {} --part {part}`",
        crate::given::quoted(&options.out.display().to_string())
    );
    let _ = writeln!(text, "{check}");
    let made = CredentialMade {
        folder: options.out.as_path().into(),
        part,
        method: recipe.method,
        root_key_hash: set.fingerprint(),
        files: &files,
        kept: aside.map(Into::into),
        notes: warnings(options, &recipe),
    };
    Ok(Page::new(&made, text)?)
}

fn chain(arguments: &Arguments, options: &CredentialNew) -> Result<ChainRecipe, provost_ops::error::Failure> {
    if options.method == MethodWord::Password {
        return Ok(ChainRecipe::default());
    }
    let mut keys = RoleKeys::default();
    if let Some(file) = &options.root_key {
        let ask = |path: &std::path::Path| secrets::passphrase(arguments, &options.access, path);
        keys.root = Some(load_key(file, Some(&ask))?.into());
    }
    for label in &options.access.key_label {
        let (role, label) = label.split_once('=').unwrap_or(("root", label));
        let slot = match role {
            "root" => &mut keys.root,
            "intermediate" => &mut keys.intermediate,
            "leaf" => &mut keys.leaf,
            _ => {
                return Err(SetError::Field {
                    field: "--key-label",
                    word: role.to_owned(),
                    expected: "root=, intermediate= or leaf=",
                }
                .into());
            }
        };
        *slot = Some(secrets::token_key(arguments, &options.access, label)?);
    }
    let protection = match options.encrypt_keys {
        true => Protection::Passphrase(secrets::new_passphrase(arguments, &options.access)?),
        false => Protection::Plain,
    };
    let all = options.permissions;
    let permissions = [all, all, options.leaf_permissions.unwrap_or(all)];
    Ok(ChainRecipe { keys, permissions, scope: scope(&options.scope), protection })
}

/// The scope that the words say.
pub(super) fn scope(words: &ScopeWords) -> Scope {
    Scope {
        usage: match words.usage {
            UsageWord::Neutral => Usage::Neutral,
            UsageWord::Standard => Usage::Standard,
            UsageWord::Rma => Usage::Rma,
        },
        lifecycle: words.lifecycle.unwrap_or(0),
        oem_constraint: words.oem_constraint.unwrap_or(0),
        soc_class: words.soc_class.unwrap_or(0),
        soc_id: words.soc_id.unwrap_or([0; 16]),
    }
}

fn warnings(options: &CredentialNew, recipe: &Recipe) -> Vec<String> {
    use provost_adac::permission::Permission::FullRegression;
    let mut warnings = Vec::new();
    if recipe.method == DaMethod::Certificate {
        let masks = recipe.chain.permissions.into_iter().chain([recipe.object_mask]);
        let all = masks.fold(PermissionMask::ALL, |a, b| a & b);
        if !all.contains(FullRegression) {
            warnings.push(
                "Full Regression is withheld: a chip closed with this object cannot be opened again by this set"
                    .to_owned(),
            );
        }
        let scope = recipe.chain.scope;
        if scope.soc_id != [0; 16] {
            warnings.push(
                "the leaf holds for one chip: STM32H56x with ROM 2.5.0 and older show no SoC id when they are closed, and would refuse it"
                    .to_owned(),
            );
        }
        if scope.soc_class != 0 && scope.soc_class != u32::from(recipe.part.info().dev_id) {
            warnings.push(format!("soc_class {:#x} is not the DEV_ID of the {}", scope.soc_class, recipe.part));
        }
    }
    if options.password_file.is_some() && recipe.method == DaMethod::Certificate {
        warnings.push("--password-file was not used: the method is certificate".to_owned());
    }
    warnings
}
