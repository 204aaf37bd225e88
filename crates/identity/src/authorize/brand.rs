//! How an account's pages look.

use crate::authorize::{Authorization, Stopped};
use crate::oauth::registry::setting_text;
use crate::text::{Fields, fields};
use crate::{Identity, accounts};

/// What pages are headed with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// The account's or the platform's name for people.
    pub name: Option<String>,
    /// A picture, over TLS.
    pub logo: Option<String>,
    /// `#rrggbb`.
    pub colour: Option<String>,
}

impl Identity {
    /// The brand of the account that a request names, where that account has one; else the platform's. An account
    /// without a brand looks like one that does not exist: pages tell strangers nothing that they were not to see.
    ///
    /// # Errors
    /// The store's.
    pub async fn brand(&self, asked: &Authorization) -> Result<Brand, Stopped> {
        if let Some(named) = &asked.organization {
            let account = self.kept_account(named, asked.now).await?;
            let account = account.filter(|row| accounts::Status::parse(&row.status) == Some(accounts::Status::Active));
            if let Some(account) = account {
                let doc = fields(&account.doc);
                if doc.get("branding").is_some_and(serde_json::Value::is_object) {
                    let name = account.display_name.clone().or_else(|| Some(account.name.clone()));
                    return Ok(Brand { name, logo: logo(&doc), colour: colour(&doc) });
                }
            }
        }
        let settings = self.kept_settings(asked.now).await?;
        Ok(Brand { name: setting_text(&settings, "friendly_name").map(str::to_owned), ..Brand::default() })
    }
}

fn logo(doc: &Fields) -> Option<String> {
    let url = super::request::said(doc, &["branding", "logo_url"])?;
    let plain = url.len() <= 2_048 && url.chars().all(|one| one.is_ascii_graphic());
    (plain && super::redirect::secure_host(url).is_some()).then(|| url.to_owned())
}

fn colour(doc: &Fields) -> Option<String> {
    let text = super::request::said(doc, &["branding", "colors", "primary"])?;
    let digits = text.strip_prefix('#')?;
    (digits.len() == 6 && digits.chars().all(|one| one.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}
