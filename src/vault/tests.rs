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

#[test]
fn what_was_sealed_under_an_older_key_opens_once_the_key_is_handed_on() {
    let (first, second, third) =
        (Vault::from_key([1; 32]), Vault::from_key([2; 32]), Vault::from_key([3; 32]));
    let sealed = first.seal("here", b"s3cret");
    let handed = first.handed_to(&second);
    assert_eq!(handed.iter().map(|key| key.key).collect::<Vec<_>>(), [first.key_id()]);
    second.learn(&handed).unwrap();
    assert_eq!(second.unseal("here", &sealed).unwrap(), b"s3cret");
    let middle = second.seal("here", b"newer");
    third.learn(&second.handed_to(&third)).unwrap();
    assert_eq!(third.unseal("here", &sealed).unwrap(), b"s3cret");
    assert_eq!(third.unseal("here", &middle).unwrap(), b"newer");
    assert_eq!(third.unseal("there", &middle), Err(Unsealable::Damaged));
    assert_eq!(third.seal("here", b"x").key, third.key_id());
}

#[test]
fn the_way_back_to_an_older_key_is_a_rotation_like_any_other() {
    let (first, second) = (Vault::from_key([1; 32]), Vault::from_key([2; 32]));
    second.learn(&first.handed_to(&second)).unwrap();
    let again = Vault::from_key([1; 32]);
    let handed = second.handed_to(&again);
    assert_eq!(handed.iter().map(|key| key.key).collect::<Vec<_>>(), [second.key_id()]);
    again.learn(&handed).unwrap();
    assert_eq!(again.unseal("here", &second.seal("here", b"x")).unwrap(), b"x");
}

#[test]
fn a_key_that_is_not_what_it_is_said_to_be_is_not_learned() {
    let (first, second) = (Vault::from_key([1; 32]), Vault::from_key([2; 32]));
    let mut handed = first.handed_to(&second);
    assert!(matches!(first.learn(&handed), Err(Unsealable::WrongKey { .. })));
    handed[0].key = second.key_id();
    assert_eq!(second.learn(&handed), Err(Unsealable::Damaged));
}

#[test]
fn a_proof_is_good_for_its_own_key_only() {
    let (first, second) = (Vault::from_key([1; 32]), Vault::from_key([2; 32]));
    second.learn(&first.handed_to(&second)).unwrap();
    assert!(first.proves(&first.proof()));
    assert!(!second.proves(&first.proof()));
}

#[test]
fn a_successor_waits_beside_the_key_until_it_takes_over() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("secret.key");
    let (first, _) = Vault::open(None, data.path()).unwrap();
    let (_, second) = Successor::of(&path).unwrap();
    let (successor, again) = Successor::of(&path).unwrap();
    assert_eq!(second.key_id(), again.key_id(), "a broken rotation is taken up again");
    assert_eq!(Vault::open(None, data.path()).unwrap().0.key_id(), first.key_id());
    let kept = successor.take_over(first.key_id()).unwrap();
    let former = Vault::open(Some(&format!("file:{}", kept.display())), data.path()).unwrap().0;
    assert_eq!(former.key_id(), first.key_id(), "backups from before need it");
    assert_eq!(Vault::open(None, data.path()).unwrap().0.key_id(), second.key_id());
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 2);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
