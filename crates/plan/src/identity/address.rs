//! Addresses and the paths of keys that they are.

/// The address of a path of keys: `account.acme.user."ada@acme.example"`.
pub(crate) fn address(path: &[&str]) -> String {
    let mut text = String::new();
    for (at, key) in path.iter().enumerate() {
        if at > 0 {
            text.push('.');
        }
        let is_bare =
            !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if is_bare {
            text.push_str(key);
        } else {
            text.push_str(&quoted(key));
        }
    }
    text
}

/// A key in quotes, as TOML and JSON both read it.
pub(crate) fn quoted(key: &str) -> String {
    serde_json::Value::from(key).to_string()
}

/// The keys of an address; `None` for what is none.
#[must_use]
pub fn path(address: &str) -> Option<Vec<String>> {
    let mut keys = Vec::new();
    let mut rest = address;
    loop {
        let (key, after) = if rest.starts_with('"') {
            let mut read = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let key = read.next()?.ok()?;
            (key, rest.get(read.byte_offset()..)?)
        } else {
            let end = rest.find('.').unwrap_or(rest.len());
            (rest.get(..end)?.to_owned(), rest.get(end..)?)
        };
        keys.push(key);
        match after.strip_prefix('.') {
            Some(more) => rest = more,
            None if after.is_empty() => return Some(keys),
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_was_written() {
        for keys in [
            vec!["account", "acme", "workspace", "prod", "user", "ada@acme.example"],
            vec!["role", "a \"b\" \\ ß.c"],
            vec!["api", "https://models.example/"],
            vec!["client", "x-1_2"],
            vec!["user", ""],
        ] {
            assert_eq!(path(&address(&keys)).unwrap(), keys, "{}", address(&keys));
        }
        assert_eq!(address(&["user", "ada@b"]), "user.\"ada@b\"");
        assert!(path("user.\"a").is_none() && path("user.\"a\"b").is_none());
    }
}
