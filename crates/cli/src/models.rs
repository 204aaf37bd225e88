//! The AI models of the file, ready to be called.

use std::sync::Arc;
use std::time::Duration;

use tenantry_file::Loaded;
use tenantry_file::model;
use tenantry_file::words::Millis;
use tenantry_guard::models::{
    CapField, Catalog, Kind, Model, Models, ModelsParts, Partition, Patience, Price, Target, TargetParts,
};
use tenantry_store::Store;
use zeroize::Zeroizing;

use crate::output::Failure;
use crate::project::Project;
use crate::runtime::{Ambient, store_failure};

/// The door to the models that the file declares; `None` where it declares none.
///
/// # Errors
/// `SECRET_MISSING` for an upstream's key that is not where the file says; the store's.
pub fn open(
    project: &Project<'_>,
    loaded: &Loaded,
    version: &str,
    store: &Arc<Store>,
    ambient: &Ambient,
) -> Result<Option<Arc<Models>>, Failure> {
    if loaded.document().model.is_empty() {
        return Ok(None);
    }
    let parts = ModelsParts {
        catalog: catalog(project, loaded, version)?,
        store: Arc::clone(store),
        clock: Arc::clone(&ambient.clock),
        entropy: Arc::clone(&ambient.entropy),
        upstream: Arc::new(tenantry_upstream::Wire::default()),
    };
    Models::new(parts).map(|models| Some(Arc::new(models))).map_err(|error| store_failure(&error))
}

fn catalog(project: &Project<'_>, loaded: &Loaded, version: &str) -> Result<Catalog, Failure> {
    let mut models = Vec::new();
    for (name, declared) in &loaded.document().model {
        let targets = declared.targets().enumerate().map(|(place, upstream)| target(project, name, place, upstream));
        let price = declared.price.unwrap_or_default();
        // Callers choose what is kept and for how long; Anthropic asks for 1.25 times the price, or twice it.
        let written = declared.targets().any(|upstream| upstream.kind == model::UpstreamKind::Anthropic);
        let written = price.input.saturating_mul(if written { 2 } else { 1 });
        models.push(Model {
            name: name.as_str().into(),
            api: declared.api.as_str().into(),
            requires: declared.requires.as_str().into(),
            description: declared.description.as_deref().map(Into::into),
            max_tokens: declared.max_tokens.and_then(|most| u64::try_from(most).ok()),
            price: Price {
                input: whole(price.input),
                cached_input: whole(price.cached_input.unwrap_or(price.input)),
                cache_write: whole(price.cache_write.unwrap_or(written)),
                output: whole(price.output),
            },
            fetches: declared.remote_media,
            cache: declared.cache.as_ref().and_then(Millis::duration),
            targets: targets.collect::<Result<_, _>>()?,
            turns: Default::default(),
        });
    }
    Ok(Catalog::new(models, version))
}

fn whole(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn target(project: &Project<'_>, name: &str, place: usize, declared: &model::Upstream) -> Result<Arc<Target>, Failure> {
    let key = match &declared.key {
        Some(reference) => {
            let what = format!("the key of upstream {place} of model `{name}`");
            Some(Zeroizing::new(project.secret_of(&what, reference.as_str())?))
        }
        None => None,
    };
    let usual = Patience::default();
    let patience = |said: &Option<Millis>, usual: Duration| said.as_ref().and_then(Millis::duration).unwrap_or(usual);
    let partition = match &declared.partition {
        Some(fields) => fields.iter().map(|field| partition(*field)).collect(),
        None => vec![Partition::User, Partition::PromptCacheKey],
    };
    let parts = TargetParts {
        url: declared.url.as_str().to_owned(),
        key,
        model: declared.model.clone(),
        weight: u32::try_from(declared.weight.unwrap_or(1)).unwrap_or_default(),
        patience: Patience {
            connect: patience(&declared.connect_timeout, usual.connect),
            first_byte: patience(&declared.first_byte_timeout, usual.first_byte),
            idle: patience(&declared.idle_timeout, usual.idle),
            total: patience(&declared.total_timeout, usual.total),
        },
        partition,
        cap_field: match declared.cap_field {
            Some(model::CapField::MaxTokens) => CapField::MaxTokens,
            Some(model::CapField::MaxCompletionTokens) | None => CapField::MaxCompletionTokens,
        },
    };
    let kind = match declared.kind {
        model::UpstreamKind::Openai => Kind::OpenAi,
        model::UpstreamKind::Anthropic => Kind::Anthropic,
        model::UpstreamKind::Echo => Kind::Echo,
    };
    Ok(Arc::new(Target::new(kind, place, parts)))
}

fn partition(field: model::PartitionField) -> Partition {
    match field {
        model::PartitionField::User => Partition::User,
        model::PartitionField::PromptCacheKey => Partition::PromptCacheKey,
        model::PartitionField::CacheSalt => Partition::CacheSalt,
    }
}
