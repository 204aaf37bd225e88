//! P5: the token endpoint beside bare signing with the same library, on one thread.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::Length;
use super::site::{Asked, Site};
use crate::talk::{Grid, figure, note, say};
use crate::timing::{Watch, median, nanos_each, number};
use crate::{Doing, Problem};

/// How much of a token is signed: its header and claims, encoded.
const SIGNED: usize = 480;

/// A key as a program that does nothing else would hold it.
enum Bare {
    Rsa(Box<RsaKeyPair>, Vec<u8>),
    Ec(Box<EcdsaKeyPair>),
}

impl Bare {
    fn new(algorithm: &str) -> Result<Bare, Problem> {
        let failed = "make a key";
        if algorithm == "RS256" {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).doing(failed)?;
            let signature = vec![0; pair.public_modulus_len()];
            return Ok(Bare::Rsa(Box::new(pair), signature));
        }
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(|pair| Bare::Ec(Box::new(pair))).doing(failed)
    }

    fn sign(&mut self, message: &[u8]) -> Result<(), Problem> {
        let (failed, random) = ("sign", SystemRandom::new());
        match self {
            Bare::Rsa(pair, signature) => {
                pair.sign(&RSA_PKCS1_SHA256, &random, message, signature).doing(failed)?;
                std::hint::black_box(signature);
            }
            Bare::Ec(pair) => {
                std::hint::black_box(pair.sign(&random, message).doing(failed)?);
            }
        }
        Ok(())
    }

    fn batch(&mut self, message: &[u8], count: usize) -> Result<Duration, Problem> {
        let watch = Watch::start();
        for _ in 0..count {
            self.sign(std::hint::black_box(message))?;
        }
        Ok(watch.passed())
    }
}

/// The endpoint of one site.
struct Lane {
    name: &'static str,
    site: Arc<Site>,
    asked: Asked,
    micros: Vec<f64>,
    shares: Vec<f64>,
}

/// Callers at a time, all on the one thread: while one waits for the store, another is served.
const CALLERS: usize = 16;

async fn batch(site: &Site, asked: &Asked, count: usize) -> Result<Duration, Problem> {
    let each = count.div_ceil(CALLERS);
    let watch = Watch::start();
    let callers = (0..CALLERS).map(async |_| {
        for _ in 0..each {
            std::hint::black_box(site.ask(asked).await?);
        }
        Ok::<_, Problem>(())
    });
    futures_util::future::try_join_all(callers).await?;
    Ok(watch.passed() * u32::try_from(count).unwrap_or(1) / u32::try_from(each * CALLERS).unwrap_or(1))
}

/// Measures, prints, and answers with the figures. Called on a runtime of one thread, so that signing and the
/// endpoint have the same core.
///
/// # Errors
/// [`Problem`] when a token is refused.
pub(crate) async fn run(sites: &[(&'static str, Arc<Site>)], length: Length) -> Result<Value, Problem> {
    let mut grid = Grid::new(&["", "store", "signing µs", "token µs", "tokens/s", "of the signing rate"]);
    let (mut figures, mut least) = (Vec::new(), f64::INFINITY);
    for algorithm in ["ES256", "RS256"] {
        let mut bare = Bare::new(algorithm)?;
        let message = vec![b'x'; SIGNED];
        let mut lanes = Vec::new();
        for (name, site) in sites {
            note(&format!("{name}: tokens signed with {algorithm} …"));
            let asked = site.client(algorithm).await?.token(None);
            lanes.push(Lane { name, site: Arc::clone(site), asked, micros: Vec::new(), shares: Vec::new() });
        }
        let each = nanos_each(bare.batch(&message, 200)?, 200);
        let signs = count(length.wanted, each);
        let mut signing = Vec::new();
        for _ in 0..length.rounds {
            for lane in &mut lanes {
                let tokens = (signs / 2).max(CALLERS);
                let before = nanos_each(bare.batch(&message, signs)?, signs);
                let token = nanos_each(batch(&lane.site, &lane.asked, tokens).await?, tokens);
                let after = nanos_each(bare.batch(&message, signs)?, signs);
                let sign = f64::midpoint(before, after);
                signing.push(sign / 1_000.0);
                lane.micros.push(token / 1_000.0);
                lane.shares.push(sign / token);
            }
        }
        for lane in &lanes {
            let (micros, share) = (median(&lane.micros), median(&lane.shares));
            least = least.min(share);
            grid.row(vec![
                algorithm.to_owned(),
                lane.name.to_owned(),
                figure(median(&signing)),
                figure(micros),
                figure(1e6 / micros),
                figure(share),
            ]);
            figures.push(json!({
                "algorithm": algorithm, "store": lane.name, "signing_micros": median(&signing), "token_micros": micros,
                "share": share,
            }));
        }
    }
    say(&format!(
        "\nTokens for clients, in process on one thread, {CALLERS} callers, each token on record; medians of {} interleaved rounds",
        length.rounds
    ));
    grid.print();
    let pass = least >= 0.5;
    say(&format!(
        "P5: {} (at least {} of the signing rate; 0.5 asked)",
        if pass { "pass" } else { "short" },
        figure(least)
    ));
    Ok(json!({ "pass": pass, "rounds": length.rounds, "least": least, "figures": figures }))
}

fn count(wanted: Duration, nanos: f64) -> usize {
    let wanted = wanted.as_secs_f64() * 1e9;
    (8..=100_000).find(|count| number(*count) * nanos >= wanted).unwrap_or(100_000)
}
