use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

#[test]
fn what_is_sealed_can_be_opened_in_its_place() {
    let vault = Vault::from_key([7; 32]);
    let sealed = vault.seal("webhook/7/secret", b"s3cret");
    assert_eq!(vault.unseal("webhook/7/secret", &sealed).unwrap(), b"s3cret");
    assert_eq!(sealed.key, vault.key_id());
}

#[test]
fn it_cannot_be_opened_in_another_place() {
    let vault = Vault::from_key([7; 32]);
    let sealed = vault.seal("webhook/7/secret", b"s3cret");
    assert_eq!(vault.unseal("webhook/8/secret", &sealed), Err(Unsealable::Damaged));
}

#[test]
fn a_flipped_bit_is_noticed() {
    let vault = Vault::from_key([7; 32]);
    let sealed = vault.seal("here", b"s3cret");
    let mut text = sealed.clone();
    text.text[0] ^= 1;
    let mut nonce = sealed;
    nonce.nonce[23] ^= 1;
    assert_eq!(vault.unseal("here", &text), Err(Unsealable::Damaged));
    assert_eq!(vault.unseal("here", &nonce), Err(Unsealable::Damaged));
}

#[test]
fn another_key_says_which_one_is_needed() {
    let (one, other) = (Vault::from_key([7; 32]), Vault::from_key([8; 32]));
    let sealed = one.seal("here", b"s3cret");
    let wrong = Unsealable::WrongKey { needed: one.key_id(), have: other.key_id() };
    assert_eq!(other.unseal("here", &sealed), Err(wrong));
}

#[test]
fn sealing_twice_never_gives_the_same() {
    let vault = Vault::from_key([7; 32]);
    assert_ne!(vault.seal("here", b"s3cret"), vault.seal("here", b"s3cret"));
}

#[test]
fn the_name_of_a_key_stays_the_same() {
    assert_eq!(Vault::from_key([7; 32]).key_id().to_string(), "f91cd0b21f32f81e");
    assert_eq!(format!("{:?}", Vault::from_key([7; 32])), "Vault(key f91cd0b21f32f81e)");
}

#[test]
fn a_key_is_generated_once_for_its_owner_only() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("new");
    let (first, origin) = Vault::open(None, &folder).unwrap();
    let path = folder.join("secret.key");
    assert_eq!(origin, Origin::Generated(path.clone()));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    let (second, origin) = Vault::open(Some(" "), &folder).unwrap();
    assert_eq!(origin, Origin::File(path));
    assert_eq!(second.key_id(), first.key_id());
}

#[test]
fn a_key_is_taken_from_the_setting_or_a_file() {
    let data = tempfile::tempdir().unwrap();
    let text = STANDARD.encode([7; 32]);
    let (vault, origin) = Vault::open(Some(&text), data.path()).unwrap();
    assert_eq!((vault.key_id(), origin), (Vault::from_key([7; 32]).key_id(), Origin::Setting));
    let path = data.path().join("key");
    std::fs::write(&path, format!("{text}\n")).unwrap();
    let setting = format!("file:{}", path.display());
    let (vault, origin) = Vault::open(Some(&setting), data.path()).unwrap();
    assert_eq!((vault.key_id(), origin), (Vault::from_key([7; 32]).key_id(), Origin::File(path)));
}

#[test]
fn a_key_of_another_length_is_refused_without_being_shown() {
    let data = tempfile::tempdir().unwrap();
    let short = STANDARD.encode([7; 31]);
    let error = Vault::open(Some(&short), data.path()).unwrap_err();
    assert!(error.to_string().starts_with("RELINK_SECRET_KEY does not hold"));
    assert!(!error.to_string().contains(&short));
    std::fs::write(data.path().join("secret.key"), "").unwrap();
    assert!(matches!(Vault::open(None, data.path()), Err(VaultError::NoKey { .. })));
    let missing = Vault::open(Some("file:/nowhere/key"), data.path());
    assert!(matches!(missing, Err(VaultError::Unreadable { .. })));
}
