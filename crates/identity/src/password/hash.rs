//! Hashes of passwords, as text: argon2id for all that are made here; argon2i, argon2d, bcrypt, PBKDF2 and
//! scrypt for those that came with imported users.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::pbkdf2;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::num::NonZeroU32;
use tenantry_policy::Entropy;
use tenantry_policy::ambient::NoEntropy;
use zeroize::Zeroize;

/// What argon2id costs here: 19 MiB, 2 rounds, 1 lane (OWASP's first choice for 19 MiB).
const MEMORY_KIB: u32 = 19_456;
const ROUNDS: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// The most that one check of a hash from outside may cost: a hash that asks for more is refused when it
/// comes in, or it would take the memory or the threads of everybody at its user's login.
const MOST_MEMORY_KIB: u32 = 131_072;
const MOST_WORK_KIB: u64 = 1_048_576;
const MOST_ITERATIONS: u32 = 2_000_000;
const MOST_COST: u32 = 15;

/// A hash of no password. Logins of users who do not exist are checked against it, to take as long.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A hash, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hash(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Argon2 {
        algorithm: Algorithm,
        version: Version,
        memory: u32,
        rounds: u32,
        lanes: u32,
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
    Bcrypt(String),
    Pbkdf2 {
        digest: Digest,
        iterations: u32,
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
    Scrypt {
        log_n: u8,
        block: u32,
        lanes: u32,
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digest {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// Why a hash from outside is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongHash {
    /// It is of no form that is known here.
    #[error("the hash is not of a form that is accepted: argon2, bcrypt, pbkdf2 or scrypt")]
    Unknown,
    /// A form whose hashes can be guessed by the billion.
    #[error("hashes of this algorithm are guessed too fast to be kept; accepted are argon2, bcrypt, pbkdf2 and scrypt")]
    Weak,
    /// One check would cost too much memory or time.
    #[error("checking this hash would cost too much memory or time")]
    Costly,
}

impl Hash {
    /// Makes the argon2id hash of a password, as text. Takes tens of milliseconds and 19 MiB.
    pub(crate) fn make(plain: &[u8], salt: &[u8; SALT_BYTES]) -> Option<String> {
        let params = Params::new(MEMORY_KIB, ROUNDS, LANES, Some(HASH_BYTES)).ok()?;
        let mut hash = [0; HASH_BYTES];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(plain, salt, &mut hash).ok()?;
        let text = format!(
            "$argon2id$v=19$m={MEMORY_KIB},t={ROUNDS},p={LANES}${}${}",
            STANDARD_NO_PAD.encode(salt),
            STANDARD_NO_PAD.encode(hash)
        );
        hash.zeroize();
        Some(text)
    }

    /// A new salt.
    pub(crate) fn salt(entropy: &dyn Entropy) -> Result<[u8; SALT_BYTES], NoEntropy> {
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt)?;
        Ok(salt)
    }

    /// The hash that no password fits.
    pub(crate) fn nobody() -> &'static str {
        NOBODY
    }

    /// Reads a hash: `$argon2id$v=19$m=…,t=…,p=…$SALT$HASH`, `$2b$10$…`, `$pbkdf2-sha256$i=…,l=…$SALT$HASH`,
    /// `$scrypt$ln=…,r=…,p=…$SALT$HASH`.
    ///
    /// # Errors
    /// [`WrongHash`].
    pub fn parse(text: &str) -> Result<Hash, WrongHash> {
        let parts: Vec<&str> = text.split('$').collect();
        let form = match parts.as_slice() {
            ["", kind @ ("argon2id" | "argon2i" | "argon2d"), version, params, salt, hash] => {
                argon2(kind, version, params, salt, hash)?
            }
            // Before version 19 no version stood there.
            ["", kind @ ("argon2id" | "argon2i" | "argon2d"), params, salt, hash] => {
                argon2(kind, "v=16", params, salt, hash)?
            }
            ["", "2a" | "2b" | "2x" | "2y", cost, rest] => bcrypt_form(text, cost, rest)?,
            ["", kind, params, salt, hash] if kind.starts_with("pbkdf2-") => pbkdf2_form(kind, params, salt, hash)?,
            ["", "scrypt", params, salt, hash] => scrypt_form(params, salt, hash)?,
            _ => return Err(WrongHash::Unknown),
        };
        Ok(Hash(form))
    }

    /// A hash of scrypt from its parts.
    pub(crate) fn scrypt(n: u64, block: u32, lanes: u32, salt: &[u8], hash: &[u8]) -> Result<String, WrongHash> {
        if !n.is_power_of_two() {
            return Err(WrongHash::Unknown);
        }
        let text = format!(
            "$scrypt$ln={},r={block},p={lanes}${}${}",
            n.trailing_zeros(),
            STANDARD_NO_PAD.encode(salt),
            STANDARD_NO_PAD.encode(hash)
        );
        Hash::parse(&text).map(|_| text)
    }

    /// Is it as strong as those that are made here? If not, it is made anew when its password is next known.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        matches!(&self.0, Form::Argon2 { algorithm: Algorithm::Argon2id, version: Version::V0x13, memory, rounds, hash, .. }
            if *memory >= MEMORY_KIB && *rounds >= ROUNDS && hash.len() >= HASH_BYTES)
    }

    /// Does the password fit? Takes as long as its parameters say.
    pub(crate) fn fits(&self, plain: &[u8]) -> bool {
        match &self.0 {
            Form::Argon2 { algorithm, version, memory, rounds, lanes, salt, hash } => {
                let Ok(params) = Params::new(*memory, *rounds, *lanes, Some(hash.len())) else { return false };
                let mut made = vec![0; hash.len()];
                let done = Argon2::new(*algorithm, *version, params).hash_password_into(plain, salt, &mut made);
                done.is_ok() && verify_slices_are_equal(&made, hash).is_ok()
            }
            // bcrypt takes the first 72 bytes alone; whoever made the hash did the same.
            Form::Bcrypt(text) => bcrypt::verify(plain, text).unwrap_or(false),
            Form::Pbkdf2 { digest, iterations, salt, hash } => {
                let Some(iterations) = NonZeroU32::new(*iterations) else { return false };
                pbkdf2::verify(digest.algorithm(), iterations, salt, plain, hash).is_ok()
            }
            Form::Scrypt { log_n, block, lanes, salt, hash } => {
                let Ok(params) = scrypt::Params::new(*log_n, *block, *lanes) else { return false };
                let mut made = vec![0; hash.len()];
                scrypt::scrypt(plain, salt, &params, &mut made).is_ok() && verify_slices_are_equal(&made, hash).is_ok()
            }
        }
    }
}

impl Digest {
    fn algorithm(self) -> pbkdf2::Algorithm {
        match self {
            Digest::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Digest::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Digest::Sha384 => pbkdf2::PBKDF2_HMAC_SHA384,
            Digest::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }
}

/// Base64 without its padding, of both alphabets that hashes are written in.
fn bytes(text: &str) -> Result<Vec<u8>, WrongHash> {
    let plain = text.trim_end_matches('=').replace(['-', '.'], "+").replace('_', "/");
    let bytes = STANDARD_NO_PAD.decode(plain).map_err(|_| WrongHash::Unknown)?;
    if bytes.len() > 512 { Err(WrongHash::Unknown) } else { Ok(bytes) }
}

/// The hash's bytes: fewer than 16 could be hit by chance.
fn hash_bytes(text: &str) -> Result<Vec<u8>, WrongHash> {
    let bytes = bytes(text)?;
    if bytes.len() < 16 { Err(WrongHash::Weak) } else { Ok(bytes) }
}

/// A parameter of `a=1,b=2`.
fn number<T: std::str::FromStr>(params: &str, name: &str) -> Result<T, WrongHash> {
    let found = params.split(',').find_map(|param| param.strip_prefix(name)?.strip_prefix('='));
    found.and_then(|value| value.parse().ok()).ok_or(WrongHash::Unknown)
}

fn argon2(kind: &str, version: &str, params: &str, salt: &str, hash: &str) -> Result<Form, WrongHash> {
    let algorithm = Algorithm::new(kind).map_err(|_| WrongHash::Unknown)?;
    let version = match version {
        "v=19" => Version::V0x13,
        "v=16" => Version::V0x10,
        _ => return Err(WrongHash::Unknown),
    };
    let (memory, rounds, lanes): (u32, u32, u32) = (number(params, "m")?, number(params, "t")?, number(params, "p")?);
    if memory > MOST_MEMORY_KIB || u64::from(memory) * u64::from(rounds) > MOST_WORK_KIB || lanes > 16 {
        return Err(WrongHash::Costly);
    }
    let (salt, hash) = (bytes(salt)?, hash_bytes(hash)?);
    if salt.len() < 8 || Params::new(memory, rounds, lanes, Some(hash.len())).is_err() {
        return Err(WrongHash::Unknown);
    }
    Ok(Form::Argon2 { algorithm, version, memory, rounds, lanes, salt, hash })
}

fn bcrypt_form(text: &str, cost: &str, rest: &str) -> Result<Form, WrongHash> {
    let cost: u32 = cost.parse().map_err(|_| WrongHash::Unknown)?;
    if cost > MOST_COST {
        return Err(WrongHash::Costly);
    }
    let letters = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'));
    if !letters || rest.len() != 53 || cost < 4 || text.len() != 60 {
        return Err(WrongHash::Unknown);
    }
    Ok(Form::Bcrypt(text.to_owned()))
}

fn pbkdf2_form(kind: &str, params: &str, salt: &str, hash: &str) -> Result<Form, WrongHash> {
    let digest = match kind.trim_start_matches("pbkdf2-") {
        "sha1" => Digest::Sha1,
        "sha256" => Digest::Sha256,
        "sha384" => Digest::Sha384,
        "sha512" => Digest::Sha512,
        "md4" | "md5" | "ripemd160" => return Err(WrongHash::Weak),
        _ => return Err(WrongHash::Unknown),
    };
    let iterations: u32 = number(params, "i")?;
    let hash = hash_bytes(hash)?;
    if number::<usize>(params, "l").is_ok_and(|length| length != hash.len()) || iterations == 0 {
        return Err(WrongHash::Unknown);
    }
    // One block of the digest costs `iterations`; a longer hash costs that again for each block.
    let blocks = u32::try_from(hash.len().div_ceil(20)).unwrap_or(u32::MAX);
    if iterations.saturating_mul(blocks) > MOST_ITERATIONS {
        return Err(WrongHash::Costly);
    }
    Ok(Form::Pbkdf2 { digest, iterations, salt: bytes(salt)?, hash })
}

fn scrypt_form(params: &str, salt: &str, hash: &str) -> Result<Form, WrongHash> {
    let (log_n, block, lanes): (u8, u32, u32) = (number(params, "ln")?, number(params, "r")?, number(params, "p")?);
    if log_n == 0 || block == 0 || lanes == 0 {
        return Err(WrongHash::Unknown);
    }
    // 128 bytes times n times r of memory, p times that of work.
    let memory_kib = (1_u64 << log_n.min(40)).saturating_mul(u64::from(block)) / 8;
    if log_n > 30
        || memory_kib > u64::from(MOST_MEMORY_KIB)
        || memory_kib.saturating_mul(u64::from(lanes)) > MOST_WORK_KIB
    {
        return Err(WrongHash::Costly);
    }
    Ok(Form::Scrypt { log_n, block, lanes, salt: bytes(salt)?, hash: hash_bytes(hash)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(plain: &str, hash: &str) -> bool {
        Hash::parse(hash).unwrap().fits(plain.as_bytes())
    }

    #[test]
    fn what_is_made_fits_its_password_alone() {
        let made = Hash::make(b"correct horse", &[7; SALT_BYTES]).unwrap();
        assert!(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{made}");
        assert!(Hash::parse(&made).unwrap().is_ours());
        assert!(fits("correct horse", &made));
        assert!(!fits("correct horsf", &made));
        assert!(!fits("", NOBODY) && Hash::parse(NOBODY).unwrap().is_ours());
    }

    #[test]
    fn hashes_of_other_systems_fit() {
        // RFC 6070's second case, RFC 7914 section 12, argon2's reference, and crypt_blowfish's.
        for (plain, hash) in [
            ("password", "$pbkdf2-sha1$i=2,l=20$c2FsdA$6mwBTcctb4zNHtkqzh1B8NjeiVc"),
            (
                "password",
                "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA",
            ),
            ("password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
            ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ] {
            assert!(fits(plain, hash), "{hash}");
            assert!(!fits("other", hash), "{hash}");
            assert!(!Hash::parse(hash).unwrap().is_ours() || hash.contains("m=65536"), "{hash}");
        }
    }

    #[test]
    fn hashes_that_would_cost_too_much_are_refused() {
        for hash in [
            "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=4000,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$pbkdf2-sha1$i=4000000000,l=20$c2FsdA$6mwBTcctb4zNHtkqzh1B8NjeiVc",
            "$scrypt$ln=30,r=8,p=1$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA",
            "$scrypt$ln=10,r=4000000000,p=4000000000$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA",
        ] {
            assert_eq!(Hash::parse(hash), Err(WrongHash::Costly), "{hash}");
        }
        for hash in
            ["", "$", "plain", "$1$salt$hash", "$2b$10$short", "$argon2id$v=19$m=1,t=1,p=1$$", "$pbkdf2-sha256$i=1$$"]
        {
            assert!(Hash::parse(hash).is_err(), "{hash}");
        }
    }
}
