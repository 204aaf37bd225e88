//! `tenantry user`: the people, on the platform as a whole.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenantry_identity::FIRST_CONNECTION;
use tenantry_identity::users::{NewUser, UserFilter};
use zeroize::Zeroizing;

use crate::commands::Run;
use crate::desk::{Desk, Listing, PartArgs, SetArgs, card, refused, secret, user};
use crate::output::{Failure, Outcome};

/// What to do with users.
#[derive(Debug, Clone, Args)]
pub struct UserArgs {
    /// What to do
    #[command(subcommand)]
    pub command: UserCommand,
}

/// What to do with users.
#[derive(Debug, Clone, Subcommand)]
pub enum UserCommand {
    /// List users, the oldest first
    List {
        /// Only those that a query finds: `email:*@acme.example AND blocked:true`
        #[arg(long, value_name = "QUERY")]
        query: Option<String>,
        /// Which part
        #[command(flatten)]
        part: PartArgs,
    },
    /// Show one
    Show {
        /// Its id or e-mail address
        user: String,
    },
    /// Make one. A password that is not given is made, and shown this once
    Create {
        /// Its e-mail address
        email: String,
        /// The connection that knows it
        #[arg(long, value_name = "NAME", default_value = FIRST_CONNECTION)]
        connection: String,
        /// Where its password is: env:NAME, file:PATH, or - for standard input
        #[arg(long, value_name = "PLACE")]
        password: Option<String>,
        /// It may act for the platform as a whole
        #[arg(long)]
        platform: bool,
        /// Further members: name, email_verified, user_metadata, app_metadata, …
        #[command(flatten)]
        set: SetArgs,
    },
    /// Change one: name, email, blocked, user_metadata, app_metadata, …
    Update {
        /// Its id or e-mail address
        user: String,
        /// Where a new password is: env:NAME, file:PATH, or - for standard input
        #[arg(long, value_name = "PLACE")]
        password: Option<String>,
        /// What changes
        #[command(flatten)]
        set: SetArgs,
    },
    /// Remove one; its tokens end within a second
    Delete {
        /// Its id or e-mail address
        user: String,
    },
}

/// Runs the command.
///
/// # Errors
/// The refusal; what keeps the file or the store from opening.
pub async fn run(run: Run<'_>, args: &UserArgs) -> Result<Outcome, Failure> {
    let desk = Desk::open(&run).await?;
    let (identity, caller) = (&desk.identity, &desk.caller);
    match &args.command {
        UserCommand::List { query, part } => {
            let filter = UserFilter { query: query.clone(), ..UserFilter::default() };
            let listed = identity.users(caller, &filter, &part.part()).await.map_err(refused)?;
            let items = listed.items.iter().map(user).collect();
            let columns = &["id", "email", "name", "connection"];
            Ok(Listing { name: "users", items, next: listed.next, columns }.outcome())
        }
        UserCommand::Show { user: name } => Ok(card(user(&desk.user(name).await?))),
        UserCommand::Create { email, connection, password, platform, set } => {
            let (plain, made) = secret(&run, password.as_deref())?;
            let new = NewUser {
                connection: connection.clone(),
                email: Some(email.clone()),
                password: Some(Zeroizing::new(plain.clone())),
                platform: *platform,
                fields: set.fields(),
                ..NewUser::default()
            };
            let mut body = user(&identity.create_user(caller, new).await.map_err(refused)?);
            if let (true, Some(body)) = (made, body.as_object_mut()) {
                body.insert("password".to_owned(), Value::String(plain));
                run.output.note("The password is shown this once.");
            }
            Ok(card(body))
        }
        UserCommand::Update { user: name, password, set } => {
            let id = desk.user(name).await?.id;
            let mut change = set.fields();
            if password.is_some() {
                change.insert("password".to_owned(), Value::String(secret(&run, password.as_deref())?.0));
            }
            Ok(card(user(&identity.update_user(caller, &id, change).await.map_err(refused)?)))
        }
        UserCommand::Delete { user: name } => {
            let id = desk.user(name).await?.id;
            identity.delete_user(caller, &id).await.map_err(refused)?;
            Ok(Outcome::new(json!({ "deleted": id }), format!("Removed the user {id}.")))
        }
    }
}
