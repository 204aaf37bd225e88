//! `tenantry help-reference`: every command as Markdown; what `spec/cli.md` holds.

use clap::{Arg, Command, CommandFactory};
use serde_json::json;

use crate::args::Cli;
use crate::exit::Exit;
use crate::output::Outcome;

/// Runs the command.
#[must_use]
pub fn run() -> Outcome {
    let text = reference();
    Outcome::new(json!({ "markdown": text }), text)
}

/// The reference of all commands.
#[must_use]
pub fn reference() -> String {
    let mut root = Cli::command();
    root.build();
    let mut out = String::from("# tenantry\n\nGenerated from the code; do not edit.\n\n");
    if let Some(about) = root.get_about() {
        out.push_str(&[&about.to_string(), "\n"].concat());
    }
    out.push_str("\nData goes to standard output, talk to standard error.\n\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n");
    for exit in Exit::ALL {
        out.push_str(&format!("| {} | {} |\n", exit.code(), exit.meaning()));
    }
    out.push_str("\n## Arguments of every command\n\n");
    for arg in root.get_arguments().filter(|arg| arg.is_global_set()) {
        describe(arg, &mut out);
    }
    for command in root.get_subcommands().filter(|command| shown(command)) {
        chapter(command, "tenantry", 2, &mut out);
    }
    out
}

fn shown(command: &Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

fn chapter(command: &Command, parent: &str, level: usize, out: &mut String) {
    let name = [parent, " ", command.get_name()].concat();
    out.push_str(&format!("\n{} {name}\n\n", "#".repeat(level)));
    if let Some(about) = command.get_long_about().or_else(|| command.get_about()) {
        out.push_str(&[&about.to_string(), "\n\n"].concat());
    }
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    out.push_str(&format!("```\n{usage}\n```\n"));
    let own: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_global_set() && !arg.is_hide_set() && arg.get_id() != "help" && arg.get_id() != "version")
        .collect();
    if !own.is_empty() {
        out.push('\n');
        own.into_iter().for_each(|arg| describe(arg, out));
    }
    for inner in command.get_subcommands().filter(|inner| shown(inner)) {
        chapter(inner, &name, level + 1, out);
    }
}

fn describe(arg: &Arg, out: &mut String) {
    let value = arg
        .get_value_names()
        .filter(|_| arg.get_action().takes_values())
        .map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    let flags: Vec<String> = arg
        .get_short()
        .map(|short| format!("-{short}"))
        .into_iter()
        .chain(arg.get_long().map(|long| ["--", long].concat()))
        .collect();
    let name = match (flags.is_empty(), value) {
        (true, value) => value.unwrap_or_else(|| arg.get_id().to_string()),
        (false, Some(value)) => [&flags.join(", "), " ", &value].concat(),
        (false, None) => flags.join(", "),
    };
    let help = arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let default: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    let default = match (arg.get_action().takes_values(), default.is_empty()) {
        (true, false) => format!(" (default `{}`)", default.join(" ")),
        _ => String::new(),
    };
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    out.push_str(&format!("- `{name}`: {help}{default}\n"));
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_reference_has_every_command_and_no_hidden_one() {
        let text = super::reference();
        for name in ["init", "check", "fmt", "ask", "audit verify", "demo", "doctor", "completions"] {
            assert!(text.contains(&format!("# tenantry {name}\n")), "{name}\n{text}");
        }
        assert!(!text.contains("help-reference") && text.contains("| 130 | interrupted |"));
        assert_eq!(text.matches("`--json`").count(), 1, "{text}");
    }
}
